import * as accounts from './accounts.ts';
import * as audit from './audit.ts';
import * as calls from './calls.ts';
import * as conversations from './conversations.ts';
import * as encryption from './encryption.ts';
import * as factors from './factors.ts';
import * as guard from './guard.ts';
import * as oauth from './oauth.ts';
import * as identities from './identities.ts';
import * as rooms from './rooms.ts';
import * as sourceLinks from './source-links.ts';
import * as transport from './transport.ts';
import * as webSessions from './web-sessions.ts';

/** Every table of the database. */
export const tables = {
	...accounts,
	...audit,
	...calls,
	...conversations,
	...encryption,
	...factors,
	...guard,
	...oauth,
	...identities,
	...rooms,
	...sourceLinks,
	...transport,
	...webSessions,
};

export {type Kind, kindOf} from './columns.ts';
