import {isServerName, type ServerName} from '../../crypto/index.ts';
import type {ChangeKind, CommittedChange, Position, Storage} from '../../storage/index.ts';

/** The kinds of changes that partner servers are told of. */
export const FEDERATED_KINDS: readonly ChangeKind[] = ['event', 'receipt', 'device_list', 'edu'];

/** Enough for the servers of a busy room to be told from memory; some 2 MB. */
const CHANGES_MAX = 10_000;

/** The changes of late that concern partner servers, kept in memory because many destinations read the same ones. */
export class RecentChanges {
	readonly #stream: Storage['stream'];
	#changes: CommittedChange[] = [];
	/** Every federated change after this position is in memory. */
	#since: Position = Infinity;

	constructor(stream: Storage['stream']) {
		this.#stream = stream;
	}

	/** Says that from now on every commit is added. */
	start(): void {
		this.#since = this.#stream.head();
	}

	/** Takes in what was committed, and gives those changes of it that partner servers may have to be told of. */
	add(changes: readonly CommittedChange[]): CommittedChange[] {
		const federated = changes.filter(isFederated);
		this.#changes.push(...federated);
		if (this.#changes.length > 2 * CHANGES_MAX) {
			const dropped = this.#changes.length - CHANGES_MAX;
			this.#since = this.#changes[dropped - 1]?.pos ?? this.#since;
			this.#changes = this.#changes.slice(dropped);
		}
		return federated;
	}

	/** Lists federated changes in `(after, upto]` in order, at most `limit`; `upto` is where the list ends for good. */
	async list(
		after: Position,
		upto: Position,
		limit: number,
	): Promise<{readonly changes: readonly CommittedChange[]; readonly upto: Position}> {
		if (after >= this.#since) {
			const start = this.#findStart(after);
			const changes = this.#changes.slice(start, start + limit).filter(({pos}) => pos <= upto);
			return {changes, upto: changes.length < limit ? upto : (changes.at(-1)?.pos ?? upto)};
		}
		const changes = await this.#stream.list({after, upto, kinds: FEDERATED_KINDS, limit});
		return {
			changes: changes.filter(isFederated),
			upto: changes.length < limit ? upto : (changes.at(-1)?.pos ?? upto),
		};
	}

	/** The index of the first change after a position. */
	#findStart(after: Position): number {
		let [low, high] = [0, this.#changes.length];
		while (low < high) {
			const middle = (low + high) >>> 1;
			if ((this.#changes[middle]?.pos ?? 0) > after) high = middle;
			else low = middle + 1;
		}
		return low;
	}
}

/**
 * Gives the server outside the room that an event concerns: it ends the invite or knock of a user there, who would wait
 * for ever.
 */
export function endedServerOf({kind, extra}: CommittedChange): ServerName | undefined {
	const server = kind === 'event' ? extra?.['ends_of'] : undefined;
	return isServerName(server) ? server : undefined;
}

function isFederated({kind, relay}: CommittedChange): boolean {
	return kind === 'event' ? relay === true : FEDERATED_KINDS.includes(kind);
}
