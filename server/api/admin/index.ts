import type {Route} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {listProbes} from './probes.ts';
import {getRegistrationNonce, registerWithSharedSecret} from './register.ts';
import {
	createRegistrationToken,
	deleteRegistrationToken,
	getRegistrationToken,
	listRegistrationTokens,
	putRegistrationToken,
} from './registration-tokens.ts';
import {getServerVersion} from './server-version.ts';
import {
	adminWhoIs,
	deleteUserDevice,
	deleteUserDevices,
	getUserDevice,
	listUserDevices,
	listUserMemberships,
	listUserPushers,
	listUserRooms,
	putUserDevice,
} from './user-details.ts';
import {
	deactivateUser,
	getUser,
	getUserAdmin,
	getUsernameAvailable,
	listUsersV2,
	listUsersV3,
	putUser,
	resetPassword,
	setUserAdmin,
	suspendUser,
} from './users.ts';

/** What administrators' tools ask for: in the form of Synapse's admin API where that has it. */
export const adminRoutes: readonly Route<Services>[] = [
	listProbes,
	getRegistrationNonce,
	registerWithSharedSecret,
	getServerVersion,
	listUsersV2,
	listUsersV3,
	getUser,
	putUser,
	deactivateUser,
	resetPassword,
	getUserAdmin,
	setUserAdmin,
	suspendUser,
	getUsernameAvailable,
	listUserDevices,
	getUserDevice,
	putUserDevice,
	deleteUserDevice,
	deleteUserDevices,
	listUserRooms,
	listUserMemberships,
	listUserPushers,
	adminWhoIs,
	listRegistrationTokens,
	createRegistrationToken,
	getRegistrationToken,
	putRegistrationToken,
	deleteRegistrationToken,
];
