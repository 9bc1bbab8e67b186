import type {UserId} from '../../crypto/index.ts';
import {waitForTick} from '../../federation/engine/index.ts';
import type {AccountRow} from '../../storage/index.ts';
import type {DeviceRequest, IssuedSession} from '../devices/index.ts';
import type {FactorOwner} from '../second-factor/index.ts';
import type {AccountsDependencies} from './accounts.ts';
import {AccountsError} from './errors.ts';
import {checkMay} from './gate.ts';
import {checkPasswordLength} from './password-rules.ts';

/**
 * Refusals are answered at the next multiple of this time after the attempt began: hashes of other cost, and a row that
 * is there or not, then show in no clock.
 */
const GRID_MS = 100;

/**
 * The same where a directory is asked: it hashes what is tried for a name that it knows, and nothing for another. That
 * takes tenths of a second where its hashes are good ones.
 */
const DIRECTORY_GRID_MS = 1_000;

/** No account has this name. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is none, and is looked for as if it were one
const NOBODY = '@' as UserId;

/** A name and a password that want a session. */
export interface SignInAttempt {
	/** `undefined` for a name that nobody here could have. */
	readonly userId: UserId | undefined;
	readonly password: string;
	readonly device: DeviceRequest;
}

/** Who has shown an account's password. */
export interface PasswordProof {
	readonly userId: UserId;
	/**
	 * Whether it is the password even now. It may have been changed while it was checked, and what the change ended must
	 * not begin after it: whoever opens something by a proof asks this afterwards.
	 */
	stillHolds(): Promise<boolean>;
}

/** Opens a session by password; see `Accounts.signIn`. */
export async function signIn(
	dependencies: AccountsDependencies,
	{device, ...claim}: SignInAttempt,
): Promise<IssuedSession> {
	const {storage, devices, secondFactor} = dependencies;
	const proof = await checkClaim(dependencies, claim, (owner) => secondFactor.isPasswordEnough(owner));
	const batch = storage.batch();
	const session = await devices.open(batch, proof.userId, device);
	await storage.commit(batch);
	if (!(await proof.stillHolds())) {
		await devices.remove(proof.userId, [session.deviceId]);
		throw wrongPassword();
	}
	return session;
}

/** Checks a name and a password; see `Accounts.provePassword`. */
export function provePassword(
	dependencies: AccountsDependencies,
	claim: Omit<SignInAttempt, 'device'>,
): Promise<PasswordProof> {
	return checkClaim(dependencies, claim, async () => true);
}

/** @param isEnough whether the password counts at all; where it does not, the right one is answered as a wrong one is */
async function checkClaim(
	{storage, passwords, directory, secondFactor, clock}: AccountsDependencies,
	{userId, password}: Omit<SignInAttempt, 'device'>,
	isEnough: (owner: FactorOwner) => Promise<boolean>,
): Promise<PasswordProof> {
	checkPasswordLength(password);
	const begunMs = clock.monotonic();
	const own = userId === undefined ? undefined : await storage.accounts.find(userId);
	// Asked for everybody, and nobody: what is looked up tells nothing either.
	const counts = await isEnough({userId: userId ?? NOBODY, isAdmin: own?.isAdmin ?? false});
	const isOwn = await passwords.verify(password, own?.passwordHash ?? undefined);
	// The right password of an account that wants more takes as long as a wrong one, about which directories are asked:
	// they are, about nobody.
	const asked = isOwn ? {userId: undefined, account: undefined, password} : {userId, account: own, password};
	const found = isOwn && counts ? undefined : await directory.find(asked);
	const account = isOwn ? own : found;
	if (account === undefined || !counts) {
		await waitForTick(clock, begunMs, directory.isAsked ? DIRECTORY_GRID_MS : GRID_MS);
		// Told to its owner beside the answer, which says nothing of it and does not wait for it.
		if (isOwn && own !== undefined && isUsable(own)) secondFactor.tellOfPasswordUnawaited(own.userId);
		throw wrongPassword();
	}
	checkMay('use', account);
	return {
		userId: account.userId,
		async stillHolds() {
			const after = await storage.accounts.find(account.userId);
			return after?.passwordHash === account.passwordHash && (await isEnough(after));
		},
	};
}

function isUsable({isDeactivated, isLocked}: AccountRow): boolean {
	return !isDeactivated && !isLocked;
}

/** The error for a name or a password that is wrong, or that does not do here, whichever it is. */
export function wrongPassword(): AccountsError {
	return new AccountsError(
		'wrong-password',
		'The name or the password is wrong, or the account signs in with a second factor, in the browser (m.login.sso)',
	);
}
