import type {Route} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {getContent, getContentThumbnail} from './content-repository.ts';
import {
	backfillRoom,
	getEvent,
	getEventAuth,
	getEventByTimestamp,
	getMissingPreviousEvents,
	getRoomState,
	getRoomStateIds,
} from './events.ts';
import {answeringOnGrid, refusingOnGrid} from '../grid.ts';
import {sendInviteV1, sendInviteV2} from './invites.ts';
import {makeJoin, makeKnock, makeLeave, sendJoinV2, sendKnockV1, sendLeaveV2} from './joins.ts';
import {bulkPerspectivesKeyQuery, getServerKey, getVersion, perspectivesKeyQuery} from './keys-server.ts';
import {exchangeOpenIdToken} from './openid.ts';
import {getPublicRooms, queryPublicRooms} from './public-rooms.ts';
import {queryInfo, queryProfile, queryRoomDirectory} from './query.ts';
import {getSpaceHierarchy} from './space-hierarchy.ts';
import {exchangeThirdPartyInvite, onBindThirdPartyIdentifier} from './third-party-invite.ts';
import {sendTransaction} from './transactions.ts';
import {getUserDevices} from './user-devices.ts';
import {claimUserEncryptionKeys, queryUserEncryptionKeys} from './user-keys.ts';
import {getWellKnown} from './wellknown.ts';

/** The server-server API but for media, in the order of the specification's files. */
export const serverServerRoutes: readonly Route<Services>[] = [
	...[
		backfillRoom,
		getMissingPreviousEvents,
		getEventAuth,
		getEventByTimestamp,
		getRoomState,
		getRoomStateIds,
		getEvent,
	].map(refusingOnGrid),
	...[sendInviteV1, sendInviteV2].map(answeringOnGrid),
	...[makeJoin, sendJoinV2].map(refusingOnGrid),
	perspectivesKeyQuery,
	bulkPerspectivesKeyQuery,
	getServerKey,
	...[makeKnock, sendKnockV1, makeLeave, sendLeaveV2].map(refusingOnGrid),
	exchangeOpenIdToken,
	getPublicRooms,
	queryPublicRooms,
	queryProfile,
	refusingOnGrid(queryRoomDirectory),
	queryInfo,
	refusingOnGrid(getSpaceHierarchy),
	exchangeThirdPartyInvite,
	onBindThirdPartyIdentifier,
	sendTransaction,
	getUserDevices,
	queryUserEncryptionKeys,
	claimUserEncryptionKeys,
	getVersion,
];

/** The media that other servers fetch. */
export const serverMediaRoutes: readonly Route<Services>[] = [getContent, getContentThumbnail];

/** What other servers ask of the server name's own host. */
export const serverWellKnownRoutes: readonly Route<Services>[] = [getWellKnown];
