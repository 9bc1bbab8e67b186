import type {DeviceId, RoomId, UserId} from '../../crypto/index.ts';
import {flag, integer, table, text, textOrNull} from './columns.ts';

/** The e-mail addresses of those who gave one, apart from everything that is searched. */
export const mailAddresses = table(
	'mail_addresses',
	{userId: text<UserId>(), address: text(), canonical: text(), language: text(), addedDay: integer()},
	{key: ['userId'], index: [{on: ['canonical']}]},
);

/** What waits for somebody to open a link that was sent to an address. */
export const mailValidations = table(
	'mail_validations',
	{
		sid: text(),
		purpose: text<'address' | 'password' | 'recovery'>(),
		userId: textOrNull<UserId>(),
		address: text(),
		/** Of the client's secret, or of the browser's cookie. */
		askerHash: textOrNull(),
		tokenHash: textOrNull(),
		language: text(),
		sendAttempt: integer(),
		failures: integer(),
		isConfirmed: flag(),
		expiresTs: integer(),
		mails: integer(),
	},
	{
		key: ['sid'],
		index: [{on: ['tokenHash'], where: 'tokenHash'}, {on: ['userId'], where: 'userId'}, {on: ['expiresTs']}],
	},
);

/** Sessions that see nothing until they are approved. */
export const quarantinedDevices = table(
	'quarantined_devices',
	{userId: text<UserId>(), deviceId: text<DeviceId>(), sinceTs: integer(), codeHash: textOrNull()},
	{key: ['userId', 'deviceId'], index: [{on: ['codeHash'], where: 'codeHash'}]},
);

/** Where the server tells each person what happens to their account. */
export const noticeRooms = table(
	'notice_rooms',
	{userId: text<UserId>(), roomId: text<RoomId>()},
	{key: ['userId'], index: [{on: ['roomId']}]},
);
