import type {TextKey} from '../index.ts';
import {account} from './account.ts';
import {factors} from './factors.ts';
import {general} from './general.ts';
import {guard} from './guard.ts';
import {oauth} from './oauth.ts';
import {ownAccount} from './own-account.ts';
import {signIn} from './sign-in.ts';
import {source} from './source.ts';
import {sourceLinks} from './source-links.ts';
import {upstream} from './upstream.ts';

export const fr: Readonly<Record<TextKey, string>> = {
	...account,
	...factors,
	...general,
	...guard,
	...oauth,
	...ownAccount,
	...signIn,
	...source,
	...sourceLinks,
	...upstream,
};
