import type {PasswordHasher, RandomBytes, UserId} from '../../crypto/index.ts';
import type {Clock, Engine} from '../../federation/engine/index.ts';
import type {FederationClient} from '../../federation/outbound/index.ts';
import type {Batch, Storage} from '../../storage/index.ts';
import {
	type Accounts,
	createAccounts,
	createLoginTokens,
	createModeration,
	createSetUp,
	createUia,
} from '../accounts/index.ts';
import type {Config} from '../config/index.ts';
import {createDelayedEvents} from '../delayed-events/index.ts';
import {createDevices} from '../devices/index.ts';
import {createIdentityProviders} from '../identity-providers/index.ts';
import {type NoticeQueue, noticesSender} from '../notices/index.ts';
import {createOAuth} from '../oauth/index.ts';
import {createProfiles, queryRemoteProfile} from '../profiles/index.ts';
import {createRooms, type RemoteRooms} from '../rooms/index.ts';
import {readClientProof, type Recovery} from '../recovery/index.ts';
import type {Services} from '../services.ts';
import {createSourceLinks} from '../source-links/index.ts';
import type {Logger} from '../telemetry/index.ts';
import {createWebSessions} from '../web-sessions/index.ts';
import type {Federation} from './federation.ts';
import {wireGuard, wireQuarantine} from './guard.ts';
import {wirePasswordDirectory, wireProviderFetch} from './identities.ts';
import type {CarryOver} from './personal.ts';
import type {Discretion} from './visibility.ts';

/** What accounts and rooms are built with. */
interface PeopleParts extends Pick<Services, 'accountData' | 'audit' | 'events' | 'secondFactor'> {
	readonly clock: Clock;
	readonly random: RandomBytes;
	readonly passwords: PasswordHasher;
	readonly engine: Engine;
	readonly discretion: Discretion;
	readonly client: FederationClient;
	readonly remoteRooms: RemoteRooms;
	readonly carryOver: CarryOver;
	readonly queue: NoticeQueue;
	readonly partners: Pick<Federation, 'network'>;
	readonly log: Pick<Logger, 'warn'>;
}

/** The domains of accounts and of rooms, which need each other. */
export function wirePeople(config: Config, storage: Storage, parts: PeopleParts) {
	const {serverName, publicUrl, serverNotices, defaultRoomVersion, oauth} = config;
	const {clock, random, engine, events, secondFactor, client, carryOver, audit, queue} = parts;
	const {visibility, facts, sources} = parts.discretion;
	const rooms = createRooms({
		storage,
		engine,
		events,
		serverName,
		defaultRoomVersion,
		visibility,
		facts,
		remote: parts.remoteRooms,
		carryOver,
		noticesSender: noticesSender(serverNotices, serverName),
	});
	const quarantine = wireQuarantine(config, storage, {clock, queue, secondFactor, sources});
	const {devices, accounts, identityProviders} = wireAccounts(config, storage, {...parts, quarantine});
	const profiles = createProfiles({
		storage,
		serverName,
		updateMemberEvents: (userId, profile) => rooms.updateOwnProfile(userId, profile),
		queryRemote: (userId, key) => queryRemoteProfile(client, userId, key),
		isUnseen: (userId) => sources.has(userId),
	});
	const sourceLinks = createSourceLinks({
		storage,
		accounts,
		rooms,
		audit,
		names: sources,
		notices: queue,
		clock,
		random,
		serverName,
		publicUrl,
		settings: config.sourceLinks,
	});
	const guard = wireGuard(config, storage, {...parts, accounts, rooms});
	return {
		...guard,
		accounts,
		delayedEvents: createDelayedEvents({storage, rooms, clock, random}),
		devices,
		identityProviders,
		loginTokens: createLoginTokens({storage, devices, clock, random}),
		moderation: createModeration({storage, serverName, audit}),
		oauth: createOAuth({
			storage,
			accounts,
			devices,
			clock,
			random,
			publicUrl,
			isEnabled: oauth.enabled,
			offersAccounts: config.registration !== 'closed',
		}),
		profiles,
		quarantine,
		rooms,
		setUp: createSetUp({storage, accounts, random}),
		sourceLinks,
		uia: createUia({accounts, secondFactor, clock, random, proveMail: (auth) => proveMail(guard.recovery, auth)}),
		webSessions: createWebSessions({storage, policy: secondFactor, notices: queue, clock, random}),
	};
}

/** Accounts, the sessions of their clients, and who vouches for them elsewhere, which need each other. */
function wireAccounts(
	config: Config,
	storage: Storage,
	parts: PeopleParts & {readonly quarantine: Pick<Services['quarantine'], 'admit' | 'endWithLast'>},
) {
	const {serverName, publicUrl, serverNotices, keepAddressesDays, identityProviders: providers} = config;
	const {clock, random, passwords, secondFactor, quarantine, queue} = parts;
	const {bridged} = parts.discretion;
	const devices = createDevices({
		storage,
		clock,
		random,
		keepAddressesDays,
		onCopied: (batch: Batch, userId: UserId) => queue.add(batch, userId, {kind: 'session-copied'}),
		onRemove: (batch, removal) => quarantine.endWithLast(batch, removal),
		async onOpen(batch, session) {
			await quarantine.admit(batch, session);
			await identityProviders.noteSession(batch, session);
		},
	});
	const directory = wirePasswordDirectory(config, storage, {random, log: parts.log, accounts: () => accounts});
	const accounts: Accounts = createAccounts({
		storage,
		devices,
		passwords,
		clock,
		random,
		serverName,
		bridged,
		secondFactor,
		directory,
		notices: queue,
		noticesSender: noticesSender(serverNotices, serverName),
	});
	const fetchElsewhere = wireProviderFetch(parts.partners.network);
	const identityProviders = createIdentityProviders({
		storage,
		accounts,
		devices,
		clock,
		random,
		notices: parts.queue,
		publicUrl,
		providers,
		fetchElsewhere,
	});
	return {devices, accounts, identityProviders};
}

/** Gives the session of a client whose user has confirmed by a link that it is they. */
async function proveMail(recovery: Recovery, auth: Readonly<Record<string, unknown>>): Promise<string | undefined> {
	const proof = readClientProof(auth);
	return proof !== undefined && (await recovery.isProven(proof)) ? proof.sid : undefined;
}
