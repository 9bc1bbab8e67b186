import type {Batch, ChangeKind, CommittedChange, Outcome, Position} from './batch.ts';
import type {
	AccountDataRepository,
	AccountsRepository,
	DevicesRepository,
	ErasuresRepository,
	FactCountsRepository,
	FiltersRepository,
	OpenIdTokensRepository,
	ProfilesRepository,
	PushersRepository,
} from './interfaces/accounts.ts';
import type {AdministrativeTasksRepository, AuditRepository} from './interfaces/audit.ts';
import type {DelayedEventsRepository, LoginTokensRepository} from './interfaces/calls.ts';
import type {FactorsRepository} from './interfaces/factors.ts';
import type {IdentitiesRepository} from './interfaces/identities.ts';
import type {KeysRepository, ToDeviceRepository} from './interfaces/encryption.ts';
import type {EventsRepository} from './interfaces/events.ts';
import type {
	MailAddressesRepository,
	MailValidationsRepository,
	NoticeRoomsRepository,
	QuarantinedDevicesRepository,
} from './interfaces/guard.ts';
import type {DehydratedDevicesRepository, KeyBackupsRepository} from './interfaces/key-backups.ts';
import type {MediaRepository} from './interfaces/media.ts';
import type {MembershipsRepository} from './interfaces/memberships.ts';
import type {OAuthRepository} from './interfaces/oauth.ts';
import type {ReceiptsRepository} from './interfaces/receipts.ts';
import type {RelationsRepository} from './interfaces/relations.ts';
import type {AliasesRepository, RoomsRepository} from './interfaces/rooms.ts';
import type {ReportsRepository, SearchRepository} from './interfaces/search.ts';
import type {SourceLinksRepository} from './interfaces/source-links.ts';
import type {StateRepository} from './interfaces/state.ts';
import type {
	ClientTransactionsRepository,
	CursorsRepository,
	FederationRepository,
	JobsRepository,
	MetaRepository,
	SlidingSnapshotsRepository,
} from './interfaces/transport.ts';
import type {WebSessionsRepository} from './interfaces/web-sessions.ts';

/** How to open a database. */
export interface StorageOptions {
	/** `sqlite:/path/to/file.db`, or `postgres://user:password@host:port/name` (also `?host=/socket/folder`). */
	readonly url: string;
	/** The server whose database it is; a database of another server is refused with StorageError('wrong_server'). */
	readonly serverName: string;
	/** Whether a database of an earlier schema is brought to this one; otherwise StorageError('too_old'). Default: yes. */
	readonly migrates?: boolean | undefined;
	/** Bytes that the caches of interned text and trie nodes may take together. Default 64 MiB. */
	readonly cacheBytes?: number | undefined;
	/** Called with what an operator should know (a damaged row left out, a lost connection); no contents, no secrets. */
	readonly onProblem?: ((problem: Error) => void) | undefined;
}

/** Integers from one sequence of the database, leased in blocks; never given twice, not in time order between processes. */
export interface Ids {
	/** Makes sure that `count` ids can be had synchronously. Needed only before taking more than 500 in one turn. */
	reserve(count: number): Promise<void>;
	/** Gives an id. @throws StorageError('unavailable') when more were taken than reserved. */
	next(): number;
}

/**
 * The integers that stand for texts in the database: of rooms, users, event types and state keys. They never change.
 * Whoever is shown one learns when this server first saw the text, so they leave it sealed or not at all.
 */
export interface InternedNames {
	/** Finds the integers of texts; those that stand nowhere in the database are left out. */
	findIds(texts: readonly string[]): Promise<Map<string, number>>;
	/** Finds the texts of integers; unknown ones are left out. */
	findTexts(ids: readonly number[]): Promise<Map<number, string>>;
}

/** The one stream. */
export interface Stream {
	/** The position up to which this process has delivered changes; what readers use as `upto`. */
	head(): Position;
	/**
	 * Up to where changes may have been swept, and the traces of what was deleted with them: who was told up to an earlier
	 * position cannot be told what changed since, and begins anew.
	 */
	floor(): Position;
	/** Raises the floor, and tells every process. Nothing may be swept before all that asked below it have their answer. */
	setFloor(batch: Batch, pos: Position): void;
	/** Removes changes of these kinds in `(after, upto]`, some hundreds at once; how many it were, and up to where all are gone. */
	sweep(
		batch: Batch,
		range: {readonly after: Position; readonly upto: Position; readonly kinds: readonly ChangeKind[]},
	): Outcome<{readonly count: number; readonly upto: Position}>;
	/** Lists changes in `(after, upto]` in order. At most 10,000. */
	list(query: {
		readonly after: Position;
		readonly upto: Position;
		readonly kinds?: readonly ChangeKind[] | undefined;
		/** Only changes that this server relays. */
		readonly relay?: true | undefined;
		/** Only changes about this subject. */
		readonly subject?: string | undefined;
		readonly limit: number;
	}): Promise<CommittedChange[]>;
}

/** Figures for metrics and `doctor`. */
export interface StorageFigures {
	readonly commits: number;
	readonly batches: number;
	/** Batches that wait for the writer. */
	readonly queued: number;
	/** Bytes of SQLite's write-ahead log; 0 on PostgreSQL. */
	readonly walBytes: number;
	/** Bytes of SQLite's file that deleted rows have left free, as of the last commit; 0 on PostgreSQL. */
	readonly freeBytes: number;
}

/**
 * The server's memory. Reads are methods of repositories and give what is committed. Writes go into a `Batch` and happen
 * with `commit`. Text is kept exactly, NUL included, and compared bytewise; lone surrogates are refused
 * (StorageError('invalid_text')). Every method may throw StorageError('unavailable').
 */
export interface Storage {
	readonly dialect: 'sqlite' | 'postgres';
	readonly ids: Ids;
	readonly names: InternedNames;
	readonly stream: Stream;
	readonly state: StateRepository;

	readonly accountData: AccountDataRepository;
	readonly accounts: AccountsRepository;
	readonly administrativeTasks: AdministrativeTasksRepository;
	readonly aliases: AliasesRepository;
	readonly audit: AuditRepository;
	readonly clientTransactions: ClientTransactionsRepository;
	readonly cursors: CursorsRepository;
	readonly dehydratedDevices: DehydratedDevicesRepository;
	readonly delayedEvents: DelayedEventsRepository;
	readonly devices: DevicesRepository;
	readonly erasures: ErasuresRepository;
	readonly events: EventsRepository;
	readonly factCounts: FactCountsRepository;
	readonly factors: FactorsRepository;
	readonly federation: FederationRepository;
	readonly filters: FiltersRepository;
	readonly identities: IdentitiesRepository;
	readonly jobs: JobsRepository;
	readonly keyBackups: KeyBackupsRepository;
	readonly keys: KeysRepository;
	readonly loginTokens: LoginTokensRepository;
	readonly mailAddresses: MailAddressesRepository;
	readonly mailValidations: MailValidationsRepository;
	readonly media: MediaRepository;
	readonly memberships: MembershipsRepository;
	readonly meta: MetaRepository;
	readonly noticeRooms: NoticeRoomsRepository;
	readonly oauth: OAuthRepository;
	readonly openIdTokens: OpenIdTokensRepository;
	readonly profiles: ProfilesRepository;
	readonly pushers: PushersRepository;
	readonly quarantinedDevices: QuarantinedDevicesRepository;
	readonly receipts: ReceiptsRepository;
	readonly relations: RelationsRepository;
	readonly reports: ReportsRepository;
	readonly rooms: RoomsRepository;
	readonly slidingSnapshots: SlidingSnapshotsRepository;
	readonly search: SearchRepository;
	readonly sourceLinks: SourceLinksRepository;
	readonly toDevice: ToDeviceRepository;
	readonly webSessions: WebSessionsRepository;

	/** Starts a batch; nothing happens until it is committed. */
	batch(): Batch;
	/**
	 * Commits a batch: all of it is on disk when the promise resolves, or none of it is anywhere. Before it resolves,
	 * listeners have been given its changes.
	 *
	 * @throws ConflictError, DuplicateError: nothing was written; read again.
	 * @throws StorageError('unavailable'): nothing was written. StorageError('outcome_unknown'): look before retrying.
	 */
	commit(batch: Batch): Promise<void>;
	/** Calls the listener with every committed change, of every process, in position order, each once. Returns how to stop. */
	onCommitted(listener: (changes: readonly CommittedChange[]) => void): () => void;
	/** Applies what other processes have committed before this call: needed before a cache is read. Nothing to do on SQLite. */
	barrier(): Promise<void>;
	figures(): StorageFigures;
	/**
	 * Gives some of the space that deleted rows have left back to the file system, between commits and as much at once as
	 * delays them by some milliseconds; how many bytes are still free. Always 0 on PostgreSQL, which does that itself.
	 */
	reclaim(): Promise<number>;
	/** Finishes what was asked, then closes. */
	close(): Promise<void>;
}
