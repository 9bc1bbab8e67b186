import type {Route} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {getAccount, postLanguage, postSignOut} from './account.ts';
import {getData, postData} from './account-data.ts';
import {getDeactivate, postDeactivate} from './account-deactivate.ts';
import {getAddPasskey, getPasskeys, postAddPasskey, postPasskeys} from './account-passkeys.ts';
import {getPassword, postPassword} from './account-password.ts';
import {getRecoveryCodes, postRecoveryCodes} from './account-recovery-codes.ts';
import {getSessions, postSessions} from './account-sessions.ts';
import {getTotp, postConfirmTotp, postTotp} from './account-totp.ts';
import {getPasskey, postPasskey} from './passkey.ts';
import {getChooseFactor, getSecondStep, postSecondStep} from './second-step.ts';
import {getApprove, getWaiting, postApprove, postWaiting} from './approve.ts';
import {getAuthFallback, postAuthFallback} from './auth-fallback.ts';
import {getLoginFallback, getRegistrationFallback, postLoginFallback} from './login-fallback.ts';
import {getConfirmAddress, getMailAddress, postConfirmAddress, postMailAddress} from './mail-address.ts';
import {getRecover, getRecoverLink, postRecover, postRecoverLink} from './recover.ts';
import {getRegister, postRegister} from './register.ts';
import {getIdentityReset, getOAuthAccount, postIdentityReset} from './oauth-account.ts';
import {getOAuthConsent, postOAuthConsent} from './oauth-consent.ts';
import {getOAuthLink, postOAuthLink} from './oauth-link.ts';
import {getSetUp, postSetUp} from './set-up.ts';
import {getSignIn, postSignIn} from './sign-in.ts';
import {getToClient, postToClient} from './to-client.ts';
import {getSourceLinks, postSourceLinks} from './account-source-links.ts';
import {getSourceAccount, getSourcePage, postSourceAccount, postSourcePage} from './source.ts';
import {
	getChooseName,
	getLinks,
	getSignInWith,
	getUpstreamCallback,
	postChooseName,
	postLink,
	postUnlink,
} from './upstream.ts';

/** Pages that people see in a browser. */
export const pageRoutes: readonly Route<Services>[] = [
	getSignIn,
	postSignIn,
	getSecondStep,
	postSecondStep,
	getPasskey,
	postPasskey,
	getChooseFactor,
	getRegister,
	postRegister,
	getToClient,
	postToClient,
	getAccount,
	getPassword,
	postPassword,
	getPasskeys,
	postPasskeys,
	getAddPasskey,
	postAddPasskey,
	getTotp,
	postTotp,
	postConfirmTotp,
	getRecoveryCodes,
	postRecoveryCodes,
	getSessions,
	postSessions,
	getData,
	postData,
	getDeactivate,
	postDeactivate,
	postSignOut,
	postLanguage,
	getMailAddress,
	postMailAddress,
	getConfirmAddress,
	postConfirmAddress,
	getRecover,
	postRecover,
	getRecoverLink,
	postRecoverLink,
	getWaiting,
	postWaiting,
	getApprove,
	postApprove,
	getAuthFallback,
	postAuthFallback,
	getLoginFallback,
	postLoginFallback,
	getRegistrationFallback,
	getOAuthConsent,
	postOAuthConsent,
	getOAuthLink,
	postOAuthLink,
	getOAuthAccount,
	getIdentityReset,
	postIdentityReset,
	getSetUp,
	postSetUp,
	getSourcePage,
	postSourcePage,
	getSourceAccount,
	postSourceAccount,
	getSourceLinks,
	postSourceLinks,
	getSignInWith,
	getUpstreamCallback,
	getChooseName,
	postChooseName,
	getLinks,
	postLink,
	postUnlink,
];
