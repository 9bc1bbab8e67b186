import type {Route} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {getAuthDone, getStyle} from './assets.ts';
import {getAuthFallback, postAuthFallback} from './auth-fallback.ts';
import {getSetUp, postSetUp} from './set-up.ts';

/** Pages that people see in a browser. */
export const pageRoutes: readonly Route<Services>[] = [
	getAuthFallback,
	postAuthFallback,
	getSetUp,
	postSetUp,
	getStyle,
	getAuthDone,
];
