import {randomInt} from 'node:crypto';
import {sql} from 'drizzle-orm';
import {createAuditedCommits} from './audited-commits.ts';
import {Batch} from './batch.ts';
import {bind, bindList, build, type Catalog} from './catalog.ts';
import {Committer} from './committer.ts';
import {Core} from './core.ts';
import type {Dialect} from './dialect.ts';
import type {Driver} from './driver.ts';
import {LeasedIds} from './ids.ts';
import {Names} from './names.ts';
import {createAccountData, createFilters, createPushers} from './repositories/account-data.ts';
import {createAccounts} from './repositories/accounts.ts';
import {createAdministrativeTasks, createAudit} from './repositories/audit.ts';
import {createClientTransactions} from './repositories/client-transactions.ts';
import {createCursors} from './repositories/cursors.ts';
import {createDelayedEvents} from './repositories/delayed-events.ts';
import {createDevices} from './repositories/devices.ts';
import {createErasures} from './repositories/erasures.ts';
import {createEvents} from './repositories/events.ts';
import {createFactCounts} from './repositories/fact-counts.ts';
import {createFactors} from './repositories/factors.ts';
import {createFederation} from './repositories/federation.ts';
import {
	createMailAddresses,
	createMailValidations,
	createNoticeRooms,
	createQuarantinedDevices,
} from './repositories/guard.ts';
import {createIdentities} from './repositories/identities.ts';
import {createJobs, createMeta} from './repositories/jobs.ts';
import {createDehydratedDevices, createKeyBackups} from './repositories/key-backups.ts';
import {createKeys} from './repositories/keys.ts';
import {createLoginTokens} from './repositories/login-tokens.ts';
import {createMedia} from './repositories/media.ts';
import {createMemberships} from './repositories/memberships.ts';
import {createOAuth} from './repositories/oauth.ts';
import {createOpenIdTokens} from './repositories/openid-tokens.ts';
import {createProfiles} from './repositories/profiles.ts';
import {createReceipts} from './repositories/receipts.ts';
import {createRelations} from './repositories/relations.ts';
import {createAliases, createRooms} from './repositories/rooms.ts';
import {createReports} from './repositories/reports.ts';
import {createSearch} from './repositories/search.ts';
import {createSlidingSnapshots} from './repositories/sliding-snapshots.ts';
import {createSourceLinks} from './repositories/source-links.ts';
import {createToDevice} from './repositories/to-device.ts';
import {createWebSessions} from './repositories/web-sessions.ts';
import {tables} from './schema/index.ts';
import {createState} from './state/index.ts';
import type {Storage, StorageOptions} from './storage.ts';
import {createStream, Delivery} from './stream.ts';

/** Bytes of the caches unless said otherwise. */
const cacheBytesDefault = 64 * 1024 * 1024;
/** Bytes that one interned text takes in the caches, both ways, on average. */
const nameBytes = 400;

/** A driver whose work begins when all statements are known. */
export interface StartableDriver extends Driver {
	start(): Promise<void>;
}

function addNameStatements(catalog: Catalog, dialect: Dialect) {
	const {strings, sequence} = tables;
	return {
		findByTexts: catalog.select<{texts: readonly string[]}, object>((p) =>
			build
				.select()
				.from(strings)
				.where(dialect.isIn(strings.text, bindList(strings.text, p.texts), 'text')),
		).index,
		findByIds: catalog.select<{ids: readonly number[]}, object>((p) =>
			build
				.select()
				.from(strings)
				.where(dialect.isIn(strings.id, bindList(strings.id, p.ids), 'integer')),
		).index,
		// The same row again is no fault: two batches may both bring it. Another id for the text is.
		intern: catalog.write<{id: number; text: string}>(
			(p) => sql`insert into ${strings} (id, text) values (${bind(strings.id, p.id)}, ${bind(strings.text, p.text)})
				on conflict (id) do nothing`,
		).index,
		lease: catalog.write<{count: number}>(
			(p) => sql`update ${sequence} set next = next + ${bind(sequence.next, p.count)}
				where id = 1 returning next`,
		).index,
	};
}

function createRepositories(core: Core, commit: (batch: Batch) => Promise<void>) {
	return {
		accountData: createAccountData(core),
		accounts: createAccounts(core),
		administrativeTasks: createAdministrativeTasks(core),
		aliases: createAliases(core),
		clientTransactions: createClientTransactions(core),
		cursors: createCursors(core),
		dehydratedDevices: createDehydratedDevices(core),
		delayedEvents: createDelayedEvents(core),
		devices: createDevices(core),
		erasures: createErasures(core),
		events: createEvents(core),
		factCounts: createFactCounts(core),
		factors: createFactors(core),
		federation: createFederation(core),
		filters: createFilters(core),
		identities: createIdentities(core),
		jobs: createJobs(core),
		keyBackups: createKeyBackups(core),
		keys: createKeys(core),
		loginTokens: createLoginTokens(core),
		mailAddresses: createMailAddresses(core),
		mailValidations: createMailValidations(core),
		media: createMedia(core),
		memberships: createMemberships(core),
		meta: createMeta(core, commit),
		noticeRooms: createNoticeRooms(core),
		oauth: createOAuth(core),
		openIdTokens: createOpenIdTokens(core),
		profiles: createProfiles(core),
		pushers: createPushers(core),
		quarantinedDevices: createQuarantinedDevices(core),
		receipts: createReceipts(core),
		relations: createRelations(core),
		reports: createReports(core),
		rooms: createRooms(core),
		search: createSearch(core),
		slidingSnapshots: createSlidingSnapshots(core),
		sourceLinks: createSourceLinks(core),
		toDevice: createToDevice(core),
		webSessions: createWebSessions(core),
	};
}

/** Puts a storage together over a driver of either database, and starts it. */
export async function assemble(catalog: Catalog, driver: StartableDriver, options: StorageOptions): Promise<Storage> {
	const {dialect} = catalog;
	const cacheBytes = options.cacheBytes ?? cacheBytesDefault;
	const onProblem = options.onProblem ?? (() => undefined);
	const statements = addNameStatements(catalog, dialect);
	const ids = new LeasedIds(driver, statements.lease);
	const namesMax = Math.max(1000, Math.floor(cacheBytes / 2 / nameBytes));
	const names = new Names(driver, ids, {...statements, encodeList: (list) => dialect.encodeList(list)}, namesMax);
	const core = new Core(catalog, {driver, names, ids, onProblem});
	const {stream, readPage} = createStream(core, {head: () => delivery.head, floor: () => delivery.floor});
	const delivery = new Delivery(driver, readPage, onProblem);
	const committer = new Committer({driver, names, ids, delivery, intern: statements.intern});
	const {audit, insert} = createAudit(core);
	const commit = createAuditedCommits({
		findLast: () => audit.findLast(),
		insert,
		commit: (batch) => committer.commit(batch),
	});
	let salt = 0;
	const state = createState(core, {salt: () => salt, cacheBytes: cacheBytes / 2});
	const repositories = createRepositories(core, commit);
	catalog.complete();
	await driver.start();
	await delivery.start((name) => repositories.meta.find(name));
	await ids.reserve(1);
	salt = Number(await repositories.meta.findOrSet('trie_salt', String(randomInt(0x100000000))));
	return {
		dialect: dialect.name,
		ids,
		stream,
		names: {
			findIds: async (texts) => names.findIds(texts),
			findTexts: async (found) => names.findTexts(found),
		},
		state,
		audit,
		...repositories,
		batch: () => new Batch(),
		commit,
		onCommitted: (listener) => delivery.listen(listener),
		barrier: () => delivery.barrier(),
		figures: () => driver.figures(),
		reclaim: () => driver.reclaim(),
		async close() {
			await committer.close();
			delivery.close();
			await driver.close();
		},
	};
}
