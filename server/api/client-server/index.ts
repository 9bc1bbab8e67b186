import type {Route} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {deactivateAccount} from './account-deactivation.ts';
import {getAccount3pids} from './administrative-contact.ts';
import {getCapabilities} from './capabilities.ts';
import {deleteDevice, deleteDevices, getDevice, getDevices, updateDevice} from './device-management.ts';
import {getLoginFlows, login} from './login.ts';
import {logout, logoutAll} from './logout.ts';
import {changePassword} from './password-management.ts';
import {deleteProfileField, getProfileField, getUserProfile, setProfileField} from './profile.ts';
import {refresh} from './refresh.ts';
import {checkUsernameAvailability, register} from './registration.ts';
import {registrationTokenValidity} from './registration-tokens.ts';
import {getWellknownSupport} from './support.ts';
import {getVersions} from './versions.ts';
import {getWellknown} from './wellknown.ts';
import {getTokenOwner} from './whoami.ts';

export {sessionBody} from './device-fields.ts';
export {spendTry} from './interactive-auth.ts';

/** The client-server API, in the order of the specification's files. */
export const clientServerRoutes: readonly Route<Services>[] = [
	deactivateAccount,
	getAccount3pids,
	getCapabilities,
	getDevices,
	getDevice,
	updateDevice,
	deleteDevice,
	deleteDevices,
	getLoginFlows,
	login,
	logout,
	logoutAll,
	changePassword,
	getUserProfile,
	getProfileField,
	setProfileField,
	deleteProfileField,
	refresh,
	register,
	checkUsernameAvailability,
	registrationTokenValidity,
	getVersions,
	getTokenOwner,
];

/** What clients ask of the server name's own host. */
export const clientWellKnownRoutes: readonly Route<Services>[] = [getWellknownSupport, getWellknown];
