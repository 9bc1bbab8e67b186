import {DuplicateError} from '../../storage/index.ts';
import {IdentityError} from './errors.ts';
import type {IdentityProvidersDependencies} from './identity-providers.ts';
import type {UpstreamLogout} from './logout-token.ts';

/**
 * Ends the browsers and devices that came from a provider's session, and consents that no device has come for yet; from all its sessions where the provider names none.
 * Whose account has no password has been let in by the provider wherever they are signed in: all of it ends.
 */
export async function endSessions(
	{storage, devices}: IdentityProvidersDependencies,
	{
		providerId,
		subject,
		sessionId,
		tokenId,
		expiresTs,
	}: UpstreamLogout & {
		readonly providerId: string;
		readonly expiresTs: number;
	},
): Promise<void> {
	const isMeant = (upstream: {readonly providerId: string; readonly sessionId: string | null} | undefined): boolean =>
		upstream?.providerId === providerId && (sessionId === undefined || upstream.sessionId === sessionId);
	const batch = storage.batch();
	storage.identities.addLogout(batch, {providerId, tokenId, expiresTs});
	const userId = (await storage.identities.find(providerId, subject))?.userId;
	const hasPassword = userId !== undefined && (await storage.accounts.find(userId))?.passwordHash !== null;
	if (userId !== undefined) {
		for (const session of await storage.webSessions.listOfUser(userId)) {
			if (session.proofs.some(({upstream}) => isMeant(upstream))) storage.webSessions.remove(batch, session.tokenHash);
		}
		for (const {codeHash, upstreamProviderId, upstreamSessionId} of await storage.oauth.listCodesOf(userId)) {
			const upstream = {providerId: upstreamProviderId ?? '', sessionId: upstreamSessionId};
			const isEnded = upstreamProviderId === null ? !hasPassword : isMeant(upstream);
			if (isEnded) storage.oauth.removeCode(batch, codeHash);
		}
	}
	try {
		await storage.commit(batch);
	} catch (cause) {
		if (!(cause instanceof DuplicateError) || cause.table !== 'upstream_logouts') throw cause;
		throw new IdentityError('bad-logout-token', 'This logout token was used before', {cause});
	}
	if (userId === undefined) return;
	const noted = new Map((await storage.identities.listDevices(userId)).map((row) => [row.deviceId, row]));
	const ended = (await storage.devices.listOfUser(userId)).filter(({deviceId}) => {
		const upstream = noted.get(deviceId);
		return upstream === undefined ? !hasPassword : isMeant(upstream);
	});
	await devices.remove(
		userId,
		ended.map(({deviceId}) => deviceId),
	);
}
