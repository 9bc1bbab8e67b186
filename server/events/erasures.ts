import type {UserId} from '../../crypto/index.ts';
import type {CommittedChange, Position, Storage} from '../../storage/index.ts';

type Erased = ReadonlyMap<UserId, Position>;

/** Who is gone and wants to be forgotten, and since which position; a function of the stream. */
export class Erasures {
	readonly #storage: Storage;
	#known: Erased | undefined;
	#drops = 0;

	constructor(storage: Storage) {
		this.#storage = storage;
	}

	/** Drops what committed changes make wrong. */
	apply(changes: readonly CommittedChange[]): void {
		if (!changes.some(({kind, extra}) => kind === 'account' && extra?.['erased'] === true)) return;
		this.#drops += 1;
		this.#known = undefined;
	}

	/** Finds everybody who wants to be forgotten. */
	find(): Promise<Erased> | Erased {
		return this.#known ?? this.#read();
	}

	async #read(): Promise<Erased> {
		const drops = this.#drops;
		const erased = new Map((await this.#storage.erasures.list()).map(({userId, pos}) => [userId, pos]));
		if (drops === this.#drops) this.#known = erased;
		return erased;
	}
}
