import type {UserId} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';

/** Names that are read at a time. */
const PAGE = 1_000;

/**
 * Who has an account of a source link: a function of the stream, and all in memory, so that asking costs no read and takes
 * the same time for every name.
 */
export interface SourceNames {
	has(userId: UserId): boolean;
	/** How many there are. */
	readonly count: number;
	/** Ends listening. */
	close(): void;
}

/** Reads who they are, and listens to what changes. */
export async function openSourceNames(storage: Pick<Storage, 'onCommitted' | 'sourceLinks'>): Promise<SourceNames> {
	const names = new Set<UserId>();
	const close = storage.onCommitted((changes) => {
		for (const {kind, subject, extra} of changes) {
			if (kind !== 'account' || extra?.['source'] === undefined) continue;
			if (extra['source'] === true) names.add(subject as UserId);
			else names.delete(subject as UserId);
		}
	});
	let after: UserId | undefined;
	do {
		const page = await storage.sourceLinks.listSources({after, limit: PAGE});
		for (const {userId} of page) names.add(userId);
		after = page.length === PAGE ? page.at(-1)?.userId : undefined;
	} while (after !== undefined);
	return {
		has: (userId) => names.has(userId),
		get count() {
			return names.size;
		},
		close,
	};
}
