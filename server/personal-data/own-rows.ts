import type {DeviceId, JsonObject, UserId} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {Archive} from './archive.ts';
import type {PersonalDataDependencies} from './personal-data.ts';

const DAY_MS = 86_400_000;
/** Filters read at a time. */
const FILTERS_PAGE = 500;

const dayOf = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** Writes what belongs to a person as such. No hash of a password or token is among it. */
export async function writeAccount(
	{storage, audit, devices, serverName, clock}: PersonalDataDependencies,
	archive: Archive,
	userId: UserId,
): Promise<void> {
	const account = await storage.accounts.find(userId);
	await archive.addJson('account.json', {
		user_id: userId,
		server_name: serverName,
		written: new Date(clock.now()).toISOString(),
		created: account === undefined ? null : dayOf(account.createdDay),
		email: (await storage.mailAddresses.find(userId))?.address ?? null,
		is_admin: account?.isAdmin ?? false,
		is_guest: account?.isGuest ?? false,
	});
	await archive.addJson('profile.json', await storage.profiles.find(userId));
	await archive.addJson('devices.json', await describeDevices(storage, userId, await devices.list(userId)));
	await archive.addJson('sign_in.json', await describeFactors(storage, userId));
	const data = await storage.accountData.listChanged(userId, 0, storage.stream.head());
	await archive.addJson(
		'account_data.json',
		data
			.filter(({content}) => content !== null)
			.map(({roomId, type, content}) => ({...(roomId !== null && {room_id: roomId}), type, content})),
	);
	await archive.addJson(
		'pushers.json',
		(await storage.pushers.listOfUser(userId)).map(({json, deviceId, appId, pushkey}) => ({
			device_id: deviceId,
			app_id: appId,
			pushkey,
			...json,
		})),
	);
	await archive.addJson('administration.json', await listActs(audit, userId));
	await archive.addJson(
		'identities.json',
		(await storage.identities.listOfUser(userId)).map(({providerId, subject}) => ({provider: providerId, subject})),
	);
	await archive.addJson('source_links.json', await describeSourceLinks(storage, userId));
	await archive.addJson('filters.json', await listFilters(storage, userId));
	await archive.addJson(
		'browsers.json',
		(await storage.webSessions.listOfUser(userId)).map(({proofs, expiresTs}) => ({
			proofs: proofs.map(({proof, atTs}) => ({proof, given: new Date(atTs).toISOString()})),
			ends: new Date(expiresTs).toISOString(),
		})),
	);
	await archive.addJson(
		'delayed_events.json',
		(await storage.delayedEvents.listOfUser(userId)).map(({roomId, type, stateKey, content, delayMs}) => ({
			room_id: roomId,
			type,
			...(stateKey !== null && {state_key: stateKey}),
			content,
			delay_ms: delayMs,
		})),
	);
}

/** How somebody signs in, without what they sign in by. */
async function describeFactors(storage: Storage, userId: UserId): Promise<JsonObject> {
	const {recoveryCodes} = await storage.factors.count(userId);
	const totp = await storage.factors.findTotpSecret(userId);
	return {
		code_generator: totp?.isConfirmed === true ? {added: dayOf(totp.createdDay)} : null,
		recovery_codes_left: recoveryCodes,
		passkeys: (await storage.factors.listPasskeys(userId)).map(({name, createdDay, lastUsedDay}) => ({
			name,
			added: dayOf(createdDay),
			last_used: lastUsedDay === null ? null : dayOf(lastUsedDay),
		})),
	};
}

type ShownDevice = Awaited<ReturnType<PersonalDataDependencies['devices']['list']>>[number];

async function describeDevices(storage: Storage, userId: UserId, devices: readonly ShownDevice[]): Promise<JsonObject> {
	const keys = new Map((await storage.keys.listDeviceKeys([userId])).map((row) => [row.deviceId, row.json]));
	const programs = await listPrograms(storage, userId);
	const crossSigning = await storage.keys.listCrossSigningKeys([userId]);
	const dehydrated = await storage.dehydratedDevices.find(userId);
	return {
		devices: devices.map(({deviceId, displayName, lastSeenDay, address}) => ({
			device_id: deviceId,
			display_name: displayName,
			last_seen: lastSeenDay === null ? null : dayOf(lastSeenDay),
			...(address !== undefined && {last_seen_ip: address}),
			signed_in_with: programs.get(deviceId) ?? null,
			keys: keys.get(deviceId) ?? null,
		})),
		cross_signing_keys: Object.fromEntries(crossSigning.map(({usage, json}) => [usage, json])),
		dehydrated_device: dehydrated?.json ?? null,
	};
}

/** The programs that somebody's devices have signed in with by OAuth, as they said of themselves. */
async function listPrograms(storage: Storage, userId: UserId): Promise<Map<DeviceId, JsonObject>> {
	const programs = new Map<DeviceId, JsonObject>();
	for (const {deviceId, clientId} of await storage.oauth.listSessions(userId)) {
		const client = await storage.oauth.findClient(clientId);
		if (client !== undefined) programs.set(deviceId, client.metadata);
	}
	return programs;
}

/** What was done to somebody and by them. Which administrator did it to them is not told: that is about another person. */
async function listActs(audit: PersonalDataDependencies['audit'], userId: UserId): Promise<JsonObject[]> {
	const acts: JsonObject[] = [];
	for await (const {ts, who, act, whom, details} of audit.listOfUser(userId)) {
		const isOwn = who === userId;
		acts.push({time: new Date(ts).toISOString(), act, ...(isOwn ? {whom, details} : {whom})});
	}
	return acts;
}

/** The links that somebody made for sources, and whose accounts they have given. */
async function describeSourceLinks(storage: Storage, userId: UserId): Promise<JsonObject> {
	const links = await storage.sourceLinks.listLinksOf(userId);
	const sources = await storage.sourceLinks.listSourcesOf(userId);
	return {
		links: links.map(({name, members, usesAllowed, usesDone, expiresTs, federates}) => ({
			name,
			members: [...members],
			uses_allowed: usesAllowed,
			uses_done: usesDone,
			ends: new Date(expiresTs).toISOString(),
			federates,
		})),
		sources: sources.map((source) => ({
			user_id: source.userId,
			name: source.name,
			room_id: source.roomId,
			ends: new Date(source.endsTs).toISOString(),
		})),
	};
}

async function listFilters(storage: Storage, userId: UserId): Promise<JsonObject[]> {
	const found: JsonObject[] = [];
	let after: string | undefined;
	for (;;) {
		const page = await storage.filters.listOfUser(userId, {after, limit: FILTERS_PAGE});
		found.push(...page.map(({filterId, filter}) => ({filter_id: filterId, filter})));
		if (page.length < FILTERS_PAGE) return found;
		after = page.at(-1)?.filterId;
	}
}

/** Writes each version of a person's key backup, its keys as encrypted as they were sent. */
export async function writeKeyBackups(
	{storage, backups}: PersonalDataDependencies,
	archive: Archive,
	userId: UserId,
): Promise<void> {
	const last = await storage.keyBackups.findLastVersion(userId);
	for (let version = 1; version <= last; version += 1) {
		const backup = await storage.keyBackups.find(userId, version);
		if (backup === undefined) continue;
		const {algorithm, authData} = backup;
		const keys = await backups.openKeys(userId, String(version));
		const head = JSON.stringify({version: String(version), algorithm, auth_data: authData}).slice(0, -1);
		await archive.addText(`key_backups/${version}.json`, keysText(head, keys));
	}
}

async function* keysText(head: string, pages: Awaited<ReturnType<PersonalDataDependencies['backups']['openKeys']>>) {
	yield `${head},"keys":[`;
	let separator = '';
	for await (const page of pages) {
		for (const {roomId, sessionId, isVerified, firstMessageIndex, forwardedCount, sessionData} of page) {
			const key = {
				room_id: roomId,
				session_id: sessionId,
				first_message_index: firstMessageIndex,
				forwarded_count: forwardedCount,
				is_verified: isVerified,
			};
			yield `${separator}\n${JSON.stringify(key).slice(0, -1)},"session_data":${sessionData}}`;
			separator = ',';
		}
	}
	yield '\n]}\n';
}
