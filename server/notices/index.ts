export {
	type AccountNotice,
	createNoticeQueue,
	MAIL_NOTICE,
	type NoticeQueue,
	TELL_SESSIONS,
} from './notice.ts';
export {
	createNotices,
	type LinkMail,
	type Notices,
	type NoticesDependencies,
	noticesSender,
} from './notices.ts';
export {REMOVE_NOTICES, removeNoticeRoom} from './remove-room.ts';
export {hasBeenUsed, hasOtherSession, pickSeeing} from './sessions.ts';
