import type {EventId, RoomId, ServerName} from '../../crypto/index.ts';
import type {Pdu, RoomVersionId, Verdict} from '../rooms/index.ts';
import type {EventProto, EventTemplate, RoomView} from './engine.ts';
import {buildAllowed, keysOf, type SendContext} from './send-event.ts';
import type {Head} from './draft.ts';
import {EngineError} from './errors.ts';
import type {RoomActor} from './room-actor.ts';

/** A room's committed head, as readers are given it: it never changes under them. */
export class CommittedView implements RoomView {
	readonly roomId: RoomId;
	readonly version: RoomVersionId;
	readonly #context: SendContext;
	readonly #head: Head;

	constructor(context: SendContext, actor: RoomActor) {
		this.#context = context;
		this.roomId = actor.roomId;
		this.version = actor.version;
		this.#head = actor.committed;
	}

	get extremities(): readonly EventId[] {
		return this.#head.extremities;
	}

	get depth(): number {
		return this.#head.depth;
	}

	get isPartial(): boolean {
		return this.#head.isPartial;
	}

	isServerJoined(server: ServerName): boolean {
		return this.#head.joined?.has(server) === true;
	}

	findState(type: string, stateKey: string): Promise<Pdu | undefined> {
		return this.#head.state.find(type, stateKey);
	}

	async findStates(keys: readonly {readonly type: string; readonly stateKey: string}[]): Promise<Pdu[]> {
		const found = await Promise.all(keys.map(({type, stateKey}) => this.findState(type, stateKey)));
		return found.filter((pdu) => pdu !== undefined);
	}

	async listState(): Promise<Pdu[]> {
		return (await this.#head.state.listEvents()).map(({pdu}) => pdu);
	}

	async check(event: EventTemplate): Promise<Verdict> {
		await this.#head.state.load(keysOf(this.version, event));
		try {
			buildAllowed(this.#context, this, this.#head, event);
			return {allowed: true};
		} catch (error) {
			if (error instanceof EngineError && error.code === 'forbidden') {
				return {allowed: false, rule: error.rule ?? '', reason: error.message};
			}
			throw error;
		}
	}

	/** Builds an event for another server to sign. @throws EngineError('forbidden') */
	async makeProto(event: EventTemplate): Promise<EventProto> {
		await this.#head.state.load(keysOf(this.version, event));
		const {pdu} = buildAllowed(this.#context, this, this.#head, event);
		const {hashes: _hashes, signatures: _signatures, event_id: _eventId, ...proto} = pdu.json;
		return {version: this.version, event: proto};
	}
}
