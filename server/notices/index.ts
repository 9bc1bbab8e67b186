export {
	type AccountNotice,
	createNoticeQueue,
	MAIL_NOTICE,
	type NoticeQueue,
	TELL_SESSIONS,
} from './notice.ts';
export {
	createNotices,
	hasOtherSession,
	type LinkMail,
	type Notices,
	type NoticesDependencies,
	noticesSender,
} from './notices.ts';
