import type {AccountData} from './account-data/index.ts';
import type {Accounts, LoginTokens, Moderation, SetUp, SharedSecret, UserInteractiveAuth} from './accounts/index.ts';
import type {InviteContext, TransactionContext} from '../federation/inbound/index.ts';
import type {PublishedKeys} from '../federation/outbound/index.ts';
import type {Administration} from './administration/index.ts';
import type {Audit} from './audit/index.ts';
import type {Addresses} from './addresses/index.ts';
import type {Calls} from './calls/index.ts';
import type {Config} from './config/index.ts';
import type {DelayedEvents} from './delayed-events/index.ts';
import type {Devices} from './devices/index.ts';
import type {Encryption} from './encryption/index.ts';
import type {Ephemeral} from './ephemeral/index.ts';
import type {Events} from './events/index.ts';
import type {Filters} from './filters/index.ts';
import type {IdentityProviders} from './identity-providers/index.ts';
import type {Media} from './media/index.ts';
import type {Notices} from './notices/index.ts';
import type {OAuth} from './oauth/index.ts';
import type {OpenId} from './openid/index.ts';
import type {PersonalData} from './personal-data/index.ts';
import type {Profiles} from './profiles/index.ts';
import type {PushRules} from './push/index.ts';
import type {Pushers} from './pushers/index.ts';
import type {Quarantine} from './quarantine/index.ts';
import type {Receipts} from './receipts/index.ts';
import type {Recovery} from './recovery/index.ts';
import type {Reports} from './reports/index.ts';
import type {Rooms} from './rooms/index.ts';
import type {Search} from './search/index.ts';
import type {SecondFactor} from './second-factor/index.ts';
import type {SourceLinks} from './source-links/index.ts';
import type {Sync} from './sync/index.ts';
import type {Metrics} from './telemetry/index.ts';
import type {UserDirectory} from './user-directory/index.ts';
import type {FactBudget, Visibility} from './visibility/index.ts';
import type {WebSessions} from './web-sessions/index.ts';

/** What handlers may use: the domains, each built once by main. */
export interface Services {
	readonly config: Config;
	readonly metrics: Metrics;
	readonly accountData: AccountData;
	readonly accounts: Accounts;
	readonly administration: Administration;
	readonly audit: Audit;
	readonly addresses: Addresses;
	readonly calls: Calls;
	readonly delayedEvents: DelayedEvents;
	readonly devices: Devices;
	readonly encryption: Encryption;
	readonly ephemeral: Ephemeral;
	readonly events: Events;
	readonly facts: FactBudget;
	readonly filters: Filters;
	readonly identityProviders: IdentityProviders;
	readonly loginTokens: LoginTokens;
	readonly media: Media;
	readonly moderation: Moderation;
	readonly notices: Notices;
	readonly oauth: OAuth;
	readonly openId: OpenId;
	readonly personalData: PersonalData;
	readonly profiles: Profiles;
	readonly pushRules: PushRules;
	readonly pushers: Pushers;
	readonly quarantine: Quarantine;
	readonly receipts: Receipts;
	readonly recovery: Recovery;
	readonly reports: Reports;
	readonly rooms: Rooms;
	readonly search: Search;
	readonly secondFactor: SecondFactor;
	readonly setUp: SetUp;
	readonly sharedSecret: SharedSecret;
	readonly sourceLinks: SourceLinks;
	readonly sync: Sync;
	readonly uia: UserInteractiveAuth;
	readonly userDirectory: UserDirectory;
	readonly visibility: Visibility;
	readonly webSessions: WebSessions;
	readonly federation: FederationServices;
	/** Whether the server can do its work; what `/health` answers. */
	readonly health: () => Promise<Health>;
}

/** How the server is: `ok`, or degraded with the reason in one word for each part that is not well. */
export interface Health {
	readonly status: 'ok' | 'degraded';
	/** Whether requests can be answered all the same. */
	readonly canServe: boolean;
	readonly problems: readonly string[];
}

/** What the endpoints of the server-server API work on. */
export interface FederationServices {
	readonly keys: Pick<PublishedKeys, 'document' | 'answerQuery' | 'answerQueries'>;
	readonly inbound: InviteContext;
	readonly transactions: TransactionContext;
}
