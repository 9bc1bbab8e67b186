import type {UserId} from '../../crypto/index.ts';
import {type AuditActor, SERVER} from '../audit/index.ts';
import type {AccountRow, Batch, SourceLinkRow, SourceRow} from '../../storage/index.ts';
import type {SourceLinksDependencies} from './source-links.ts';

const DAY_MS = 86_400_000;
/** So long before an account ends its owner is told. */
const TOLD_DAYS_BEFORE = 3;
/** Accounts looked at before others have their turn. */
const PAGE = 200;

/** One run of the job that ends accounts. */
export interface EndingRun {
	readonly nowMs: number;
	/** False when the run is to end; the rest comes with the next one. */
	goOn(): Promise<boolean>;
}

/** Ends the accounts whose time has come; see `SourceLinks.endDue`. */
export async function endDueSources(dependencies: SourceLinksDependencies, run: EndingRun): Promise<number> {
	const {storage, accounts} = dependencies;
	let count = 0;
	let after: UserId | undefined;
	do {
		const page = await storage.sourceLinks.listSources({after, limit: PAGE});
		for (const source of page) {
			const [account, owner] = [await accounts.find(source.userId), await accounts.find(source.owner)];
			if (account === undefined || account.isDeactivated || owner?.isDeactivated !== false) {
				await endSource(dependencies, source, SERVER);
				count += 1;
				continue;
			}
			const endTs = await findEnd(dependencies, source, account);
			if (endTs <= run.nowMs) {
				await endSource(dependencies, source, SERVER);
				count += 1;
			} else if (!source.isOwnerTold && endTs <= run.nowMs + TOLD_DAYS_BEFORE * DAY_MS) {
				await tellOwner(dependencies, source);
			}
		}
		after = page.length === PAGE ? page.at(-1)?.userId : undefined;
	} while (after !== undefined && (await run.goOn()));
	return count;
}

/** Erases an account whole, then forgets that it was a source's; in this order, so that a crash leaves the rest to the job. */
export async function endSource(
	{storage, accounts, audit}: SourceLinksDependencies,
	{userId, owner}: Pick<SourceRow, 'owner' | 'userId'>,
	by: AuditActor,
): Promise<void> {
	const account = await accounts.find(userId);
	if (account?.isErased === false) {
		await accounts.deactivate(userId, {
			erase: true,
			// The log outlasts the account, and says nothing of its name.
			alsoWrite: (batch) => audit.note(batch, {who: by, act: 'end-source', whom: owner, isOfDay: true}),
		});
	}
	const batch = storage.batch();
	storage.sourceLinks.removeSource(batch, userId);
	removeUsedUp({storage}, batch, await storage.sourceLinks.listLinksOf(owner));
	batch.announce({kind: 'account', subject: userId, extra: {source: false}});
	await storage.commit(batch);
}

/**
 * Removes links that have given all their accounts. What a link is called may say what its source has to tell; as long as
 * an account lasts the name is with it, and then nowhere.
 */
export function removeUsedUp(
	{storage}: Pick<SourceLinksDependencies, 'storage'>,
	batch: Batch,
	links: readonly SourceLinkRow[],
): void {
	for (const {userId, linkId, usesDone, usesAllowed} of links) {
		if (usesDone >= usesAllowed) storage.sourceLinks.removeLink(batch, userId, linkId);
	}
}

/** Tells the owner once that an account ends soon: there may be something to ask or to save. */
async function tellOwner({storage, notices}: SourceLinksDependencies, {userId, owner}: SourceRow): Promise<void> {
	const batch = storage.batch();
	storage.sourceLinks.setOwnerTold(batch, userId);
	notices.add(batch, owner, {kind: 'source-ends'});
	await storage.commit(batch);
}

/** Gives when an account ends if nobody uses it any more: on its day, or when it was not used for as long as its link allows. */
async function findEnd(
	{storage}: SourceLinksDependencies,
	{userId, silenceDays, endsTs}: SourceRow,
	{createdDay}: AccountRow,
): Promise<number> {
	const devices = await storage.devices.listOfUser(userId);
	const lastDay = Math.max(createdDay, ...devices.map(({lastSeenDay}) => lastSeenDay ?? 0));
	return Math.min(endsTs, (lastDay + silenceDays + 1) * DAY_MS);
}
