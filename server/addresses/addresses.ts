import {
	hashToken,
	type JsonObject,
	newOpaqueId,
	secretsEqual,
	sha256Base64Url,
	type UserId,
} from '../../crypto/index.ts';
import {type Batch, ConflictError, type MailValidationRow} from '../../storage/index.ts';
import {type Language, readMailAddress} from '../mail/index.ts';
import type {NoticeQueue} from '../notices/index.ts';
import {AddressesError, linkGone} from './errors.ts';
import {findLink, type LinkDependencies, MAIL_LINK, sendLink, textOf} from './links.ts';

const DAY_MS = 86_400_000;

/** The address of an account, as its owner is shown it. */
export interface OwnAddress {
	readonly address: string;
	/** The day on which it was confirmed, as its first millisecond since the Unix epoch. */
	readonly addedTs: number;
}

/** A client that wants a link to be sent, which it then shows its session and its secret for. */
export interface ClientRequest {
	readonly email: string;
	readonly clientSecret: string;
	readonly sendAttempt: number;
	readonly language: Language;
}

/** What a client shows to say that it asked for a link that was opened. */
export interface ClientProof {
	readonly sid: string;
	readonly clientSecret: string;
}

/** What the addresses domain is built from. */
export interface AddressesDependencies extends Omit<LinkDependencies, 'notices'> {
	readonly notices: NoticeQueue & LinkDependencies['notices'];
}

/**
 * The e-mail addresses of those who want one: for news of their account, and for the day when they have lost their
 * password. There is at most one for an account; nobody finds anybody by it.
 */
export interface Addresses {
	/** Whether the server sends mail; otherwise nobody has an address. */
	readonly areOn: boolean;
	find(userId: UserId): Promise<OwnAddress | undefined>;
	/**
	 * Has a link sent to an address that a client's user wants to add. Costs the same whatever the address, and gives a
	 * session id that follows from what the client sent: a repetition gets the same one, and no second mail.
	 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3account3pidemailrequesttoken
	 * @throws AddressesError 'no-mail', 'invalid-address'
	 */
	request(request: ClientRequest): Promise<string>;
	/** Has a link sent to the address that somebody wants for their account. @throws AddressesError 'no-mail', 'invalid-address' */
	requestFor(userId: UserId, email: string, language: Language): Promise<void>;
	/** Mails the link that a job was given. @throws MailError 'unavailable' */
	mailLink(payload: JsonObject): Promise<boolean>;
	/** Whether a link to confirm an address by is good. */
	isGood(token: string): Promise<boolean>;
	/** Confirms an address by its link; whether it is an account's now, or a client waits to add it. @throws AddressesError 'link-gone' */
	confirm(token: string): Promise<'added' | 'confirmed'>;
	/**
	 * Adds the address that a client had confirmed, in the place of the one before, and uses the confirmation up.
	 * @throws AddressesError 'not-validated'
	 */
	add(userId: UserId, proof: ClientProof): Promise<void>;
	/** Whether an address is that of an account, however it is written. */
	isOwn(userId: UserId, address: string): Promise<boolean>;
	/** Removes the address of an account; nothing happens where it has none, or another one than this. */
	remove(userId: UserId, address?: string): Promise<void>;
}

/** Gives the id of a client's session: nobody else can tell it, for nobody else has the secret. */
export function sessionIdOf(purpose: MailValidationRow['purpose'], canonical: string, clientSecret: string): string {
	return sha256Base64Url(JSON.stringify([purpose, canonical, clientSecret]));
}

/** Reads an address where mail is sent. @throws AddressesError 'no-mail', 'invalid-address' */
export function mustReadAddress({mail}: Pick<LinkDependencies, 'mail'>, email: string) {
	if (!mail.isOn) throw new AddressesError('no-mail', 'This server sends no mail, and keeps no addresses');
	const read = readMailAddress(email);
	if (read === undefined) throw new AddressesError('invalid-address', 'Expected an e-mail address');
	return read;
}

/** Makes the domain. */
export function createAddresses(dependencies: AddressesDependencies): Addresses {
	const {storage, mail} = dependencies;
	return {
		areOn: mail.isOn,
		async find(userId) {
			const row = await storage.mailAddresses.find(userId);
			return row && {address: row.address, addedTs: row.addedDay * DAY_MS};
		},
		async isOwn(userId, address) {
			const row = await storage.mailAddresses.find(userId);
			return row !== undefined && readMailAddress(address)?.canonical === row.canonical;
		},
		...createRequests(dependencies),
		...createChanges(dependencies),
	};
}

/** What leads to a mail with a link. */
function createRequests(
	dependencies: AddressesDependencies,
): Pick<Addresses, 'isGood' | 'mailLink' | 'request' | 'requestFor'> {
	const {storage, clock, random} = dependencies;

	async function queue(key: string, payload: JsonObject): Promise<void> {
		const nowMs = clock.now();
		const batch = storage.batch();
		storage.jobs.add(batch, {
			kind: MAIL_LINK,
			key,
			payload: {...payload, purpose: 'address', at_ts: nowMs},
			dueTs: nowMs,
		});
		await storage.commit(batch);
	}

	return {
		async request({email, clientSecret, sendAttempt, language}) {
			const {address, canonical} = mustReadAddress(dependencies, email);
			const sid = sessionIdOf('address', canonical, clientSecret);
			const asker = {asker_hash: hashToken(clientSecret), send_attempt: sendAttempt};
			await queue(`${sid} ${sendAttempt}`, {sid, address, language, ...asker});
			return sid;
		},
		async requestFor(userId, email, language) {
			const {address} = mustReadAddress(dependencies, email);
			const sid = newOpaqueId(random);
			await queue(sid, {sid, address, language, user_id: userId, send_attempt: 1});
		},
		mailLink: (payload) =>
			sendLink(dependencies, {
				sid: textOf(payload, 'sid'),
				purpose: 'address',
				address: textOf(payload, 'address'),
				language: textOf(payload, 'language'),
				// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `requestFor` alone
				userId: (payload['user_id'] as UserId | undefined) ?? null,
				askerHash: typeof payload['asker_hash'] === 'string' ? payload['asker_hash'] : null,
				sendAttempt: Number(payload['send_attempt']),
				askedTs: Number(payload['at_ts']),
			}),
		isGood: async (token) => (await findLink(dependencies, token))?.purpose === 'address',
	};
}

/** What changes the address of an account. */
function createChanges({
	storage,
	clock,
	notices,
}: AddressesDependencies): Pick<Addresses, 'add' | 'confirm' | 'remove'> {
	/** Adds to a batch that an account has an address from now on, and tells the one before. */
	async function set(batch: Batch, userId: UserId, {address, language}: MailValidationRow): Promise<void> {
		const canonical = readMailAddress(address)?.canonical ?? address;
		const former = await storage.mailAddresses.find(userId);
		const addedDay = Math.floor(clock.now() / DAY_MS);
		storage.mailAddresses.set(batch, {userId, address, canonical, language, addedDay});
		if (former !== undefined && former.canonical !== canonical) {
			notices.add(batch, userId, {kind: 'address-removed', formerAddress: former.address});
		}
		notices.add(batch, userId, {kind: 'address-added'});
	}

	return {
		async confirm(token) {
			const link = await findLink({storage, clock}, token);
			if (link?.purpose !== 'address' || link.tokenHash === null) throw linkGone();
			const batch = storage.batch();
			if (link.userId === null) {
				storage.mailValidations.confirm(batch, link.tokenHash, clock.now());
			} else {
				const account = await storage.accounts.find(link.userId);
				if (account === undefined || account.isDeactivated) throw linkGone();
				storage.mailValidations.redeemToken(batch, link.tokenHash, clock.now());
				await set(batch, link.userId, link);
			}
			await storage.commit(batch).catch(orGone);
			return link.userId === null ? 'confirmed' : 'added';
		},
		async add(userId, {sid, clientSecret}) {
			const row = await storage.mailValidations.find(sid);
			if (row?.purpose !== 'address' || row.userId !== null || !isAskedBy(row, clientSecret)) throw notValidated();
			const batch = storage.batch();
			storage.mailValidations.redeemConfirmed(batch, sid, clock.now());
			await set(batch, userId, row);
			await storage.commit(batch).catch((cause: unknown) => {
				throw cause instanceof ConflictError && cause.condition === 'mail_validation' ? notValidated({cause}) : cause;
			});
		},
		async remove(userId, address) {
			const row = await storage.mailAddresses.find(userId);
			if (row === undefined) return;
			if (address !== undefined && readMailAddress(address)?.canonical !== row.canonical) return;
			const batch = storage.batch();
			storage.mailAddresses.remove(batch, userId);
			storage.mailValidations.removeOfUser(batch, userId);
			notices.add(batch, userId, {kind: 'address-removed', formerAddress: row.address});
			await storage.commit(batch);
		},
	};
}

/** Whether who shows a secret is who asked for the link. */
export function isAskedBy({askerHash}: MailValidationRow, clientSecret: string): boolean {
	return askerHash !== null && secretsEqual(askerHash, hashToken(clientSecret));
}

function notValidated(options?: ErrorOptions): AddressesError {
	return new AddressesError('not-validated', 'No address was confirmed for this session and secret', options);
}

function orGone(cause: unknown): never {
	throw cause instanceof ConflictError && cause.condition === 'mail_validation' ? linkGone({cause}) : cause;
}
