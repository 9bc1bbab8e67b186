import {hashToken, newOpaqueId, type RandomBytes, type UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import {type SecondFactor, SecondFactorError} from '../second-factor/index.ts';
import type {Accounts} from './accounts.ts';
import {AccountsError} from './errors.ts';
import {
	type AuthData,
	createUiaSessions,
	createUserInteractiveAuth,
	type Credentials,
	type StageAttempt,
	type StageChecks,
	type StageVerdict,
	type UserInteractiveAuth,
} from './uia/index.ts';

/** Makes user-interactive authentication with the stages that accounts can check. */
export function createUia({
	accounts,
	secondFactor,
	clock,
	random,
	proveMail,
}: {
	readonly accounts: Accounts;
	readonly secondFactor: SecondFactor;
	readonly clock: Clock;
	readonly random: RandomBytes;
	/** Gives what somebody has confirmed by a link in a mail: a session's id; `undefined` where nobody did. */
	readonly proveMail: (auth: AuthData) => Promise<string | undefined>;
}): UserInteractiveAuth {
	const sessions = createUiaSessions(
		() => clock.monotonic(),
		() => newOpaqueId(random),
	);
	const checks: StageChecks = {
		'm.login.password': (attempt) => checkPassword(accounts, attempt),
		'm.login.dummy': async () => ({passed: true, proof: ''}),
		'm.login.registration_token': (attempt) => checkRegistrationToken(accounts, attempt),
		'm.login.email.identity': (attempt) => checkMail(proveMail, attempt),
		'org.broadsheet.login.second_factor': (attempt) => checkSecondFactor(secondFactor, attempt),
	};
	const uia = createUserInteractiveAuth(sessions, checks, (userId) => findCredentials(accounts, secondFactor, userId));
	return {
		...uia,
		/** On a page whoever mistook the name may try again. */
		async attempt(sessionId, attempt) {
			try {
				return await uia.attempt(sessionId, attempt);
			} catch (error) {
				if (error instanceof AccountsError && error.code === 'another-account') return WRONG;
				throw error;
			}
		},
	};
}

/** Gives what an account proves itself by, with a hash in the place of all that anybody could try at. */
async function findCredentials(accounts: Accounts, secondFactor: SecondFactor, userId: UserId): Promise<Credentials> {
	const account = await accounts.find(userId);
	const {recoveryCodes} = await secondFactor.find({userId, isAdmin: false});
	const factors = await secondFactor.describe(userId);
	const mark = hashToken(JSON.stringify([account?.passwordHash, account?.isDeactivated, factors]));
	return {mark, recoveryCodes};
}

const WRONG = failed('M_FORBIDDEN', 'The name or the password is wrong');

/** The name that a client claims: an identifier of a Matrix user, or the older `user`; `undefined` for any other. */
export function readClaimedName(data: AuthData): string | undefined {
	const {identifier, user} = data as {readonly identifier?: unknown; readonly user?: unknown};
	if (typeof identifier === 'object' && identifier !== null) {
		const {type, user: name} = identifier as {readonly type?: unknown; readonly user?: unknown};
		return type === 'm.id.user' && typeof name === 'string' ? name : undefined;
	}
	return typeof user === 'string' ? user : undefined;
}

async function checkPassword(accounts: Accounts, {auth, subject}: StageAttempt): Promise<StageVerdict> {
	const name = readClaimedName(auth);
	const password = auth['password'];
	if (subject === undefined || name === undefined || typeof password !== 'string') {
		return failed('M_FORBIDDEN', 'Expected an identifier of type m.id.user and a password');
	}
	// Somebody else's name and password prove nothing about this account, right as they may be: neither is looked at.
	if (accounts.claimedUserId(name) !== subject) {
		throw new AccountsError('another-account', 'Expected the name of the account that the access token is of');
	}
	if (!(await accounts.checkPassword(subject, password))) {
		return WRONG;
	}
	return {passed: true, proof: ''};
}

/** A code, or what the page's script got from a passkey: the session's id is what the passkey was asked for. */
async function checkSecondFactor(
	secondFactor: SecondFactor,
	{auth, subject, sessionId, source}: StageAttempt,
): Promise<StageVerdict> {
	const {code, passkey} = auth as {readonly code?: unknown; readonly passkey?: unknown};
	if (subject === undefined || (typeof code !== 'string' && typeof passkey !== 'string')) {
		return failed('M_FORBIDDEN', 'Expected a code of the code generator, a recovery code, or a passkey');
	}
	try {
		if (typeof passkey === 'string') {
			await secondFactor.passkeys.authenticate({session: sessionId, answer: passkey, userId: subject});
		} else if (typeof code === 'string') {
			await secondFactor.proveCode({userId: subject, code, source, isKnown: false});
		}
		return {passed: true, proof: ''};
	} catch (error) {
		if (!(error instanceof SecondFactorError) || error.code === 'too-many-tries') throw error;
		return failed('M_FORBIDDEN', error.message);
	}
}

async function checkMail(
	proveMail: (auth: AuthData) => Promise<string | undefined>,
	{auth}: StageAttempt,
): Promise<StageVerdict> {
	const sid = await proveMail(auth);
	return sid === undefined
		? failed('M_UNAUTHORIZED', 'Expected the link in the mail to be opened first, and confirmed there')
		: {passed: true, proof: sid};
}

async function checkRegistrationToken(accounts: Accounts, {auth}: StageAttempt): Promise<StageVerdict> {
	const token = auth['token'];
	const hash = typeof token === 'string' ? await accounts.findRegistrationToken(token) : undefined;
	return hash === undefined
		? failed('M_UNAUTHORIZED', 'The registration token is not valid')
		: {passed: true, proof: hash};
}

function failed(errcode: string, error: string): StageVerdict {
	return {passed: false, errcode, error};
}
