import {
	hashToken,
	isJsonObject,
	type JsonObject,
	newOpaqueId,
	secretsEqual,
	sha256Base64Url,
	type UserId,
} from '../../crypto/index.ts';
import {type AccountRow, type Batch, ConflictError, type MailValidationRow} from '../../storage/index.ts';
import type {Accounts} from '../accounts/index.ts';
import {
	type ClientProof,
	type ClientRequest,
	findLink,
	FRESH_MAILS_MAX,
	isAskedBy,
	LINK_FAILURES_MAX,
	type LinkDependencies,
	MAIL_LINK,
	mustReadAddress,
	sendLink,
	sessionIdOf,
	textOf,
} from '../addresses/index.ts';
import {type Language, readMailAddress} from '../mail/index.ts';
import type {NoticeQueue} from '../notices/index.ts';
import {type SecondFactor, SecondFactorError} from '../second-factor/index.ts';
import {linkGone, RecoveryError} from './errors.ts';
import {MailBudget} from './mail-budget.ts';

/** Accounts with one address that are written to; a desk may share one, and nobody has a hundred. */
const ACCOUNTS_MAX = 5;
/** Fresh links that an account may have for another mail, where very many are asked for. */
const FRESH_MAILS_MAX_BESIEGED = 1;

/** What a recovery is built from. */
export interface RecoveryDependencies extends Omit<LinkDependencies, 'notices'> {
	readonly accounts: Pick<Accounts, 'changePassword' | 'checkNewPassword' | 'claimedUserId'>;
	readonly secondFactor: Pick<SecondFactor, 'find' | 'proveCode'>;
	readonly notices: NoticeQueue & LinkDependencies['notices'];
}

/** What somebody is asked for who has opened a link. */
export interface OpenedLink {
	/** Whether they set a password there, or only say to their client that it is they. */
	readonly purpose: 'password' | 'recovery';
	/** Whether they must say whose account it is: the browser is not the one that asked. */
	readonly wantsName: boolean;
	readonly factors: {readonly hasAny: boolean; readonly hasCodes: boolean; readonly hasPasskey: boolean};
}

/** Who has opened a link, and by what they show that they may. */
export interface LinkProof {
	readonly token: string;
	/** What the browser is known by that asked, or another one. */
	readonly askerHash: string;
	readonly name: string;
	/** A code of a generator, or a recovery code; empty: none. */
	readonly code: string;
	/** Whose passkey this browser has shown, if anybody's. */
	readonly passkeyOf: UserId | undefined;
	/** Where it comes from, for limits. */
	readonly source: string;
}

/**
 * The way back for who has lost their password and given an address: a link, which alone is never enough. It works in the
 * browser in which it was asked for, or for who says whose account it is, and where the account has a second factor it
 * wants that too. Whoever asks is answered alike, whether there is such an account or not.
 */
export interface Recovery {
	/** Has a link sent for a name or an address, where there is anybody to send it to: found out after the answer. */
	request(claim: {readonly name: string; readonly askerHash: string; readonly language: Language}): Promise<void>;
	/**
	 * Has a link sent for a client, by an address.
	 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpasswordemailrequesttoken
	 * @throws AddressesError 'no-mail', 'invalid-address'
	 */
	requestByClient(request: ClientRequest): Promise<string>;
	/** Mails the links that a job was given. @throws MailError 'unavailable' */
	mailLinks(payload: JsonObject): Promise<number>;
	/** Gives what a link asks for; `undefined` where it is good no more. */
	open(token: string, askerHash: string): Promise<OpenedLink | undefined>;
	/**
	 * Sets another password by a link, and tells everybody.
	 * @throws RecoveryError; AccountsError 'weak-password', 'password-too-long'
	 */
	setPassword(proof: LinkProof, password: string, options: {readonly endsOtherSessions: boolean}): Promise<void>;
	/**
	 * Makes the link that a client has asked for one by which a password is set on the page, whoever it was: the client has
	 * nothing of it then. Whose account it is and its second factor are asked for all the same. @throws RecoveryError 'link-gone'
	 */
	takeFromClient(token: string): Promise<void>;
	/** Says to the client that asked for the link that it is its user. @throws RecoveryError */
	confirm(proof: LinkProof): Promise<void>;
	/** Whether a client's user has confirmed by a link that it is they. */
	isProven(proof: ClientProof): Promise<boolean>;
	/** Sets another password by what was confirmed to a client. @throws RecoveryError 'not-proven'; AccountsError */
	setPasswordByClient(sid: string, password: string, options: {readonly endsOtherSessions: boolean}): Promise<void>;
}

/** Makes the domain. */
export function createRecovery(dependencies: RecoveryDependencies): Recovery {
	const {storage, accounts, clock, random} = dependencies;
	const budget = new MailBudget(() => clock.monotonic());

	async function queue(key: string, payload: JsonObject): Promise<void> {
		const nowMs = clock.now();
		const batch = storage.batch();
		storage.jobs.add(batch, {kind: MAIL_LINK, key, payload: {...payload, at_ts: nowMs}, dueTs: nowMs});
		await storage.commit(batch);
	}

	/** Sets a password together with the use of what allows it. */
	async function replacePassword(
		userId: UserId,
		password: string,
		endsOtherSessions: boolean,
		use: (batch: Batch) => void,
	): Promise<void> {
		await accounts.changePassword(userId, password, {endsOtherSessions, notice: 'password-recovered', alsoWrite: use});
	}

	return {
		request: ({name, askerHash, language}) =>
			queue(newOpaqueId(random), {purpose: 'recovery', name, asker_hash: askerHash, language}),
		async requestByClient({email, clientSecret, sendAttempt, language}) {
			const {canonical} = mustReadAddress(dependencies, email);
			const sid = sessionIdOf('password', canonical, clientSecret);
			const asked = {sid, name: canonical, language, asker_hash: hashToken(clientSecret), send_attempt: sendAttempt};
			await queue(`${sid} ${sendAttempt}`, {...asked, purpose: 'password'});
			return sid;
		},
		mailLinks: (payload) => mailLinks(dependencies, budget, payload),
		async open(token, askerHash) {
			const found = await findAccount(dependencies, token);
			if (found === undefined) return undefined;
			const {hasAny, hasTotp, recoveryCodes, passkeys} = await dependencies.secondFactor.find(found.account);
			return {
				purpose: found.link.purpose === 'password' ? 'password' : 'recovery',
				wantsName: !isSame(found.link, askerHash),
				factors: {hasAny, hasCodes: hasTotp || recoveryCodes > 0, hasPasskey: passkeys > 0},
			};
		},
		async setPassword(proof, password, {endsOtherSessions}) {
			// Before anything is used up: a code that was taken is good no more.
			accounts.checkNewPassword(password);
			const {link, account} = await prove(dependencies, proof, 'recovery');
			await replacePassword(account.userId, password, endsOtherSessions, (batch) =>
				storage.mailValidations.redeemToken(batch, link.tokenHash ?? '', clock.now()),
			).catch(orLost(linkGone));
		},
		takeFromClient: (token) => takeFromClient(dependencies, token),
		async confirm(proof) {
			const {link} = await prove(dependencies, proof, 'password');
			const batch = storage.batch();
			storage.mailValidations.confirm(batch, link.tokenHash ?? '', clock.now());
			await storage.commit(batch).catch(orLost(linkGone));
		},
		async isProven({sid, clientSecret}) {
			const row = await storage.mailValidations.find(sid);
			return (
				row?.purpose === 'password' && row.isConfirmed && row.expiresTs > clock.now() && isAskedBy(row, clientSecret)
			);
		},
		async setPasswordByClient(sid, password, {endsOtherSessions}) {
			accounts.checkNewPassword(password);
			const link = await storage.mailValidations.find(sid);
			const account = link && (await findOwner(dependencies, link));
			if (link?.purpose !== 'password' || account === undefined) throw notProven();
			await replacePassword(account.userId, password, endsOtherSessions, (batch) =>
				storage.mailValidations.redeemConfirmed(batch, sid, clock.now()),
			).catch(orLost(notProven));
		},
	};
}

async function takeFromClient(dependencies: RecoveryDependencies, token: string): Promise<void> {
	const {storage, clock, random} = dependencies;
	const {link} = (await findAccount(dependencies, token)) ?? {};
	if (link?.purpose !== 'password') throw linkGone();
	const batch = storage.batch();
	storage.mailValidations.redeemToken(batch, link.tokenHash ?? '', clock.now());
	storage.mailValidations.set(batch, {...link, sid: newOpaqueId(random), purpose: 'recovery', askerHash: null});
	await storage.commit(batch).catch(orLost(linkGone));
}

/** Sends links to whom a name or an address stands for: nobody, somebody, or some who share an address. */
async function mailLinks(dependencies: RecoveryDependencies, budget: MailBudget, payload: JsonObject): Promise<number> {
	const {storage, accounts} = dependencies;
	const {purpose} = payload;
	const text = textOf(payload, 'name');
	const askerHash = textOf(payload, 'asker_hash');
	const address = text.startsWith('@') ? undefined : readMailAddress(text);
	const userId = address === undefined ? accounts.claimedUserId(text) : undefined;
	const own = userId === undefined ? undefined : await storage.mailAddresses.find(userId);
	const rows =
		address === undefined
			? own === undefined
				? []
				: [own]
			: await storage.mailAddresses.listOfAddress(address.canonical, ACCOUNTS_MAX);
	// A client sets the password of one account; whose it is of several it cannot say.
	if (purpose === 'password' && rows.length !== 1) return 0;
	let count = 0;
	for (const row of rows) {
		const account = await storage.accounts.find(row.userId);
		if (!isRecoverable(account)) continue;
		const base = `${Number(payload['at_ts'])} ${askerHash}`;
		const isSent = await sendLink(dependencies, {
			sid: purpose === 'password' ? textOf(payload, 'sid') : sha256Base64Url(JSON.stringify([base, row.userId])),
			purpose: purpose === 'password' ? 'password' : 'recovery',
			userId: row.userId,
			address: row.address,
			askerHash,
			language: textOf(payload, 'language'),
			sendAttempt: Number(payload['send_attempt'] ?? 1),
			askedTs: Number(payload['at_ts']),
			freshMax: budget.isUsedUp ? FRESH_MAILS_MAX_BESIEGED : FRESH_MAILS_MAX,
		});
		if (!isSent) continue;
		budget.spend();
		count += 1;
	}
	return count;
}

/** Who signs in elsewhere has no password here to recover, and who may not come in gets no new one. */
function isRecoverable(account: AccountRow | undefined): account is AccountRow {
	return account !== undefined && !account.isDeactivated && !account.isLocked && account.passwordHash !== null;
}

/** Finds whose account a link is for, as long as the address that it went to is still theirs. */
async function findOwner(
	{storage}: RecoveryDependencies,
	{userId, address}: MailValidationRow,
): Promise<AccountRow | undefined> {
	if (userId === null) return undefined;
	const account = await storage.accounts.find(userId);
	const own = await storage.mailAddresses.find(userId);
	return isRecoverable(account) && own?.address === address ? account : undefined;
}

async function findAccount(
	dependencies: RecoveryDependencies,
	token: string,
): Promise<{readonly link: MailValidationRow; readonly account: AccountRow} | undefined> {
	const link = await findLink(dependencies, token);
	if (link === undefined || link.purpose === 'address') return undefined;
	const account = await findOwner(dependencies, link);
	return account && {link, account};
}

/** A client's secret is not what its browser is known by: there the name is always asked for. */
function isSame({purpose, askerHash}: MailValidationRow, browserHash: string): boolean {
	return purpose === 'recovery' && askerHash !== null && secretsEqual(askerHash, browserHash);
}

/** Lets who has opened a link go on once they have shown that they are its owner; what is wrong is counted and told. */
async function prove(
	dependencies: RecoveryDependencies,
	proof: LinkProof,
	purpose: MailValidationRow['purpose'],
): Promise<{readonly link: MailValidationRow; readonly account: AccountRow}> {
	const {accounts, secondFactor} = dependencies;
	const found = await findAccount(dependencies, proof.token);
	if (found?.link.purpose !== purpose) throw linkGone();
	const {link, account} = found;
	const {userId} = account;
	const isTheirs = isSame(link, proof.askerHash) || accounts.claimedUserId(proof.name) === userId;
	if (!isTheirs) throw await refuse(dependencies, link, userId, 'wrong-name');
	const {hasAny} = await secondFactor.find(account);
	if (!hasAny) throw await refuse(dependencies, link, userId, 'no-factor');
	if (proof.passkeyOf === userId) return found;
	try {
		await secondFactor.proveCode({userId, code: proof.code, source: proof.source, isKnown: false});
		return found;
	} catch (error) {
		if (!(error instanceof SecondFactorError)) throw error;
		if (error.code === 'too-many-tries') throw new RecoveryError('too-many-tries', error.message, {cause: error});
		throw await refuse(dependencies, link, userId, 'wrong-code');
	}
}

/** Counts a wrong answer; its owner is told of the first one, in the same commit. */
async function refuse(
	{storage, notices}: RecoveryDependencies,
	{sid, failures}: MailValidationRow,
	userId: UserId,
	code: 'no-factor' | 'wrong-code' | 'wrong-name',
): Promise<RecoveryError> {
	const batch = storage.batch();
	storage.mailValidations.addFailure(batch, sid, LINK_FAILURES_MAX);
	if (failures === 0) notices.add(batch, userId, {kind: 'recovery-refused'});
	try {
		await storage.commit(batch);
	} catch (cause) {
		if (cause instanceof ConflictError && cause.condition === 'mail_validation') return linkGone({cause});
		throw cause;
	}
	return new RecoveryError(code, 'Expected the name of the account, and a code of it where it has a second factor');
}

const notProven = (options?: ErrorOptions): RecoveryError =>
	new RecoveryError('not-proven', 'Nobody has confirmed by the link in the mail that it is they', options);

function orLost(make: (options: ErrorOptions) => RecoveryError): (cause: unknown) => never {
	return (cause) => {
		throw cause instanceof ConflictError && cause.condition === 'mail_validation' ? make({cause}) : cause;
	};
}

/** Reads what a client shows in the stage of an e-mail address. */
export function readClientProof(auth: Readonly<Record<string, unknown>>): ClientProof | undefined {
	const given = auth['threepid_creds'] ?? auth['threepidCreds'];
	if (!isJsonObject(given)) return undefined;
	const {sid, client_secret: clientSecret} = given;
	return typeof sid === 'string' && typeof clientSecret === 'string' ? {sid, clientSecret} : undefined;
}
