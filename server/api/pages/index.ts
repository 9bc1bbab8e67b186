import type {Route} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {getAccount, postLanguage, postSignOut} from './account.ts';
import {getAuthFallback, postAuthFallback} from './auth-fallback.ts';
import {getRegister, postRegister} from './register.ts';
import {getSetUp, postSetUp} from './set-up.ts';
import {getSignIn, postSignIn} from './sign-in.ts';
import {getToClient, postToClient} from './to-client.ts';
import {getSourcePage, postSourcePage} from './source.ts';

/** Pages that people see in a browser. */
export const pageRoutes: readonly Route<Services>[] = [
	getSignIn,
	postSignIn,
	getRegister,
	postRegister,
	getToClient,
	postToClient,
	getAccount,
	postSignOut,
	postLanguage,
	getAuthFallback,
	postAuthFallback,
	getSetUp,
	postSetUp,
	getSourcePage,
	postSourcePage,
];
