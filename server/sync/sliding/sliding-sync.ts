import {type RandomBytes, sha256Base64Url, type UserId} from '../../../crypto/index.ts';
import type {Clock} from '../../../federation/engine/index.ts';
import type {CommittedChange} from '../../../storage/index.ts';
import {SyncError} from '../errors.ts';
import type {Moment} from '../moment.ts';
import type {Notifier} from '../notifier.ts';
import type {DeviceNews} from '../v3/device.ts';
import {SentMembers} from '../v3/sent-members.ts';
import type {SyncParts} from '../v3/view.ts';
import {Activity} from './activity.ts';
import {makeSlidingAnswer} from './answer.ts';
import {Connection} from './connection.ts';
import {Connections} from './connections.ts';
import {Facts} from './facts.ts';
import {OwnDataCache} from './own-data.ts';
import type {SlidingSyncRequest} from './request.ts';
import {Scopes} from './scope.ts';
import {StateIndexes} from './state-index.ts';
import {StateWishes} from './state-wish.ts';
import type {SlidingParts, SlidingView} from './view.ts';

/** The longest that a request waits; behind proxies a longer one would be cut off. */
const TIMEOUT_MS_MAX = 120_000;

/** What sliding sync is built from: what it shares with the other sync, and what it has to itself. */
export interface SlidingDependencies {
	readonly parts: SyncParts;
	readonly notifier: Notifier;
	readonly devices: DeviceNews;
	readonly clock: Clock;
	readonly random: RandomBytes;
	readonly takeMoment: (userId: UserId) => Promise<Moment>;
}

/** A second reader of what changes: windows on the rooms of a user. @see proposal 4186 */
export class SlidingSync {
	readonly #dependencies: SlidingDependencies;
	readonly #parts: SlidingParts;
	readonly #connections: Connections;
	readonly #scopes: Scopes;
	readonly #activity: Activity;
	readonly #own: OwnDataCache;

	constructor(dependencies: SlidingDependencies) {
		const {parts, clock, random} = dependencies;
		const {storage} = parts;
		const indexes = new StateIndexes(storage, parts.states);
		const wishes = new StateWishes();
		this.#dependencies = dependencies;
		this.#activity = new Activity(storage);
		this.#own = new OwnDataCache(storage);
		this.#parts = {
			...parts,
			activity: this.#activity,
			facts: new Facts(parts, indexes),
			indexes,
			wishes,
			sentMembers: new SentMembers(),
		};
		this.#connections = new Connections({storage, clock, random, wishes});
		this.#scopes = new Scopes(this.#parts);
	}

	/** Takes in committed changes, before anybody is woken by them. */
	apply(changes: readonly CommittedChange[]): void {
		this.#activity.apply(changes);
		this.#own.apply(changes);
	}

	/**
	 * Answers a device over one of its connections, at once where there is news for it, and otherwise when there is or
	 * when its time is up. Gives JSON text.
	 * @throws SyncError
	 */
	async answer(request: SlidingSyncRequest): Promise<string> {
		const {notifier, clock} = this.#dependencies;
		const {storage, positions, ephemeral} = this.#parts;
		if (storage.dialect === 'postgres') await storage.barrier();
		const startPos = storage.stream.head();
		const connection = await this.#open(request);
		if (connection.hasBegun) await positions.cover(connection.state.pos);
		ephemeral.presence.touch(request.userId, request.presence);
		const asked = fingerprintOf(request);
		const endMs = clock.monotonic() + Math.min(request.timeoutMs, TIMEOUT_MS_MAX);
		for (;;) {
			const moment = await this.#dependencies.takeMoment(request.userId);
			const view = await this.#look(request, connection, moment, asked);
			const answer = await makeSlidingAnswer(this.#parts, this.#dependencies.devices, view);
			const timeoutMs = endMs - clock.monotonic();
			const isDue = answer.hasNews || !connection.hasBegun || timeoutMs <= 0;
			const {feed, upto: pos, seq} = moment;
			const {deviceId, signal} = request;
			const end = isDue ? 'due' : await notifier.wait(feed, {pos, seq, startPos, deviceId, timeoutMs, signal});
			if (end === 'ended') throw new SyncError('session-ended', 'The session has ended');
			if (end !== 'changed') {
				const {scope} = view;
				const settled = answer.after.live.size === scope.rooms.length ? {asked, feed, scope} : undefined;
				return answer.finish(await this.#connections.issue(request, connection, {...answer.after, settled}));
			}
		}
	}

	async #open(request: SlidingSyncRequest): Promise<Connection> {
		if (request.pos === undefined) return Connection.begin();
		const connection = await this.#connections.open(request, request.pos);
		// What changed since has been swept, so that it would not be told.
		const isOutdated = connection !== undefined && connection.state.pos < this.#parts.storage.stream.floor();
		if (!connection || isOutdated)
			throw new SyncError('unknown-position', 'pos: not a position of this connection: begin anew');
		return connection;
	}

	async #look(
		request: SlidingSyncRequest,
		connection: Connection,
		moment: Moment,
		asked: string,
	): Promise<SlidingView> {
		const {userId} = request;
		const {feed, touched, rooms, upto, seq} = moment;
		const unwanted = await this.#parts.events.findUnwanted(userId);
		const own = await this.#own.of(userId);
		const settled = connection.findSettled(asked, moment, this.#parts.ephemeral.epoch);
		const scope =
			settled ?? (await this.#scopes.find(request, {feed, touched, rooms, upto, unwanted, own, connection}));
		return {request, connection, upto, seq, rooms, scope, isSettled: settled !== undefined, unwanted, own};
	}
}

type Asked = Pick<SlidingSyncRequest, 'lists' | 'subscriptions' | 'extensions'>;

/** Fingerprints of what was asked before, by its lists: who polls asks the same for hours. */
const fingerprints = new WeakMap<Asked['lists'], Asked & {readonly fingerprint: string}>();

/** Two requests with the same fingerprint ask for the same of rooms. */
function fingerprintOf({lists, subscriptions, extensions}: Asked): string {
	const before = fingerprints.get(lists);
	if (before?.subscriptions === subscriptions && before.extensions === extensions) return before.fingerprint;
	const {accountData, receipts, typing} = extensions;
	const text = JSON.stringify([[...lists], [...subscriptions], accountData, receipts, typing]);
	const fingerprint = sha256Base64Url(text);
	fingerprints.set(lists, {lists, subscriptions, extensions, fingerprint});
	return fingerprint;
}
