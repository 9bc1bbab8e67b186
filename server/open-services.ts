import {mkdirSync} from 'node:fs';
import {PasswordHasher, type RandomBytes} from '../crypto/index.ts';
import {type Clock, type Engine, systemClock, systemRandom} from '../federation/engine/index.ts';
import type {FederationClient} from '../federation/outbound/index.ts';
import {openStorage, type Storage} from '../storage/index.ts';
import {createSharedSecret} from './accounts/index.ts';
import {createAdministration} from './administration/index.ts';
import {createCalls} from './calls/index.ts';
import {type Config, databaseUrl} from './config/index.ts';
import {createEvents} from './events/index.ts';
import type {MediaDependencies, ReadSpace} from './media/index.ts';
import {type NoticeQueue, noticesSender} from './notices/index.ts';
import {createOpenId} from './openid/index.ts';
import {createPersonalData} from './personal-data/index.ts';
import {notifiesByDefault} from './push/index.ts';
import {createPushers, type Delivery} from './pushers/index.ts';
import {createReports} from './reports/index.ts';
import type {RemoteRooms} from './rooms/index.ts';
import type {SecondFactor} from './second-factor/index.ts';
import type {FederationServices, Services} from './services.ts';
import {type Logger, makeMetrics} from './telemetry/index.ts';
import {createUserDirectory} from './user-directory/index.ts';
import {
	adaptRemoteRooms,
	createFederation,
	createHealth,
	createInvitePolicy,
	createPersonal,
	Damage,
	type Discretion,
	type Federation,
	federationServices,
	wireAudit,
	wireEncryption,
	wireMedia,
	wireNoticeQueue,
	wirePeople,
	wirePush,
	wireSecondFactor,
	wireSearch,
	wireVisibility,
} from './wiring/index.ts';

/** How often a server looks for what other processes have written; a look costs one small read. */
const LOOK_INTERVAL_MS = 500;

/** What the domains may be given in place of the machine's own. */
export interface DomainSurroundings {
	readonly clock?: Clock;
	readonly random?: RandomBytes;
	readonly passwords?: PasswordHasher;
	/** How much the disk of the media has left. */
	readonly readSpace?: ReadSpace;
	readonly thumbnailMaker?: MediaDependencies['thumbnailMaker'];
}

/** The parts of a server without its listeners. */
export interface OpenedServices {
	readonly services: Services;
	readonly storage: Storage;
	readonly federation: Federation;
	readonly damage: Damage;
	readonly pushDelivery: Delivery;
	close(): Promise<void>;
}

/** Opens the database and builds every domain on it: for the server itself, and for commands that run beside it. */
export async function openServices(
	config: Config,
	surroundings: DomainSurroundings & {
		readonly log: Pick<Logger, 'info' | 'warn'>;
		readonly onProblem: (problem: Error) => void;
	},
): Promise<OpenedServices> {
	mkdirSync(config.dataPath, {recursive: true, mode: 0o700});
	const damage = new Damage();
	const storage = await openStorage({
		url: databaseUrl(config.database),
		serverName: config.serverName,
		onProblem(problem) {
			damage.note(problem);
			surroundings.onProblem(problem);
		},
	});
	const parts = {
		config,
		storage,
		clock: surroundings.clock ?? systemClock,
		random: systemRandom,
		log: surroundings.log,
		noteDamage: () => damage.noteEvent(),
		notifies: notifiesByDefault,
	};
	const federation = await createFederation(parts);
	const discretion = await wireVisibility(config, storage, parts.clock, parts.log);
	const random = surroundings.random ?? ((sizeBytes: number) => systemRandom.bytes(sizeBytes));
	const own = {...parts, random, sources: discretion.sources};
	const queue = wireNoticeQueue(config, storage, own);
	const secondFactor = await wireSecondFactor({...own, queue});
	const {services, close} = buildServices(config, storage, {
		...surroundings,
		passwords: surroundings.passwords ?? new PasswordHasher(),
		damage,
		engine: federation.engine,
		client: federation.client,
		remoteRooms: adaptRemoteRooms(federation.remoteRooms, federation.remoteDirectory),
		federation: federationServices(federation, parts, createInvitePolicy(storage, discretion.visibility)),
		partners: federation,
		queue,
		discretion,
		secondFactor,
	});
	const pushDelivery = wirePush({...parts, engine: federation.engine, services, federation});
	// The command line writes beside a running server; its changes are applied within half a second.
	const look = setInterval(() => void storage.barrier().catch(surroundings.onProblem), LOOK_INTERVAL_MS).unref();
	return {
		services,
		storage,
		federation,
		damage,
		pushDelivery,
		async close() {
			clearInterval(look);
			await pushDelivery.stop();
			close();
			await federation.stop();
			for (const part of [discretion.bridged, discretion.sources]) part.close();
			await discretion.facts.close();
			await storage.close();
		},
	};
}

/** What services are made of, beside configuration and database. */
interface ServiceParts extends DomainSurroundings {
	readonly passwords: PasswordHasher;
	readonly damage: Damage;
	readonly engine: Engine;
	readonly client: FederationClient;
	readonly remoteRooms: RemoteRooms;
	readonly federation: FederationServices;
	/** Whom ephemeral news is sent to and comes from. */
	readonly partners: Federation;
	readonly log: Pick<Logger, 'info' | 'warn'>;
	readonly discretion: Discretion;
	/** Where domains say what happened to an account. */
	readonly queue: NoticeQueue;
	readonly secondFactor: SecondFactor;
}

function buildPersonal(
	{serverName, presence}: Config,
	storage: Storage,
	{
		engine,
		events,
		encryption,
		clock,
		partners,
		damage,
		discretion,
		log,
	}: ServiceParts & Pick<Services, 'encryption' | 'events'> & {readonly clock: Clock},
) {
	return createPersonal({
		storage,
		engine,
		events,
		encryption,
		clock,
		random: systemRandom,
		serverName,
		presence,
		isUnseen: (userId) => discretion.sources.has(userId),
		federation: partners,
		onDamage(cause) {
			damage.note(cause);
			log.warn({err: cause}, 'A room was left out of a sync');
		},
	});
}

/** The domains that nothing else is built on. */
function buildSmall(
	{turn, rtc, registrationSharedSecret: secret}: Config,
	storage: Storage,
	{
		engine,
		events,
		clock,
		random,
	}: Pick<ServiceParts, 'engine'> & Pick<Services, 'events'> & {readonly clock: Clock; readonly random: RandomBytes},
) {
	return {
		calls: createCalls({turn, rtc, clock, random}),
		openId: createOpenId({storage, clock, random}),
		pushers: createPushers({storage, clock}),
		reports: createReports({storage, engine, events, clock}),
		sharedSecret: createSharedSecret({secret, clock, random}),
	};
}

function buildServices(config: Config, storage: Storage, parts: ServiceParts): {services: Services; close: () => void} {
	const {
		clock = systemClock,
		random = (sizeBytes) => systemRandom.bytes(sizeBytes),
		engine,
		partners,
		discretion: {visibility, facts, bridged},
	} = parts;
	const {serverName} = config;
	const events = createEvents({storage, engine, clock});
	const encryption = wireEncryption({
		storage,
		serverName,
		visibility,
		clock,
		random,
		log: parts.log,
		federation: partners,
		notices: parts.queue,
		noticesSender: noticesSender(config.serverNotices, serverName),
	});
	const personal = buildPersonal(config, storage, {...parts, clock, events, encryption});
	const audit = wireAudit(config, storage, {...parts, clock});
	const {accountData} = personal.services;
	const {carryOver} = personal;
	const people = wirePeople(config, storage, {...parts, clock, random, audit, events, accountData, carryOver});
	const search = wireSearch(storage, {...parts, events, clock});
	const userDirectory = createUserDirectory({storage, serverName, visibility, bridged, clock});
	const {log, readSpace, thumbnailMaker} = parts;
	const media = wireMedia({config, storage, clock, random, log, federation: partners, readSpace, thumbnailMaker});
	const services: Services = {
		config,
		...buildSmall(config, storage, {engine, events, clock, random}),
		administration: createAdministration({...people, storage, engine, audit, events, serverName, clock, random}),
		audit,
		metrics: makeMetrics(),
		encryption,
		media,
		events,
		facts,
		...people,
		...personal.services,
		personalData: createPersonalData({
			...people,
			...encryption,
			audit,
			storage,
			engine,
			events,
			media,
			serverName,
			clock,
		}),
		search,
		secondFactor: parts.secondFactor,
		userDirectory,
		visibility,
		federation: parts.federation,
		health: createHealth(storage, parts.damage),
	};
	const close = (): void => {
		const {devices, quarantine} = people;
		const closing = [search, userDirectory, personal, encryption, devices, quarantine, events];
		for (const part of closing) part.close();
	};
	return {services, close};
}
