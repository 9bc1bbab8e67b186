import type {
	AuthenticatorTransport,
	PublicKeyCredentialCreationOptionsJSON,
	PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server';
import {createHmac} from 'node:crypto';
import {decodeBase64Url, encodeBase64Url, type RandomBytes, type ServerName, type UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import {type Batch, ConflictError, DuplicateError, type PasskeyRow, type Storage} from '../../storage/index.ts';
import {SecondFactorError, wrongPasskey} from './errors.ts';
import {readAuthentication, readRegistration} from './passkey-answers.ts';
import {createPasskeyChallenges, type PasskeyChallenges} from './passkey-challenges.ts';
import {type RelyingParty, relyingPartyOf} from './relying-party.ts';

/** A person has a handful; browsers are told of all of them. */
const PASSKEYS_MAX = 20;
const NAME_LENGTH_MAX = 64;
/** Ed25519, P-256, and RSA as the authenticators of some systems have it. */
const ALGORITHMS = [-8, -7, -257];

/** What passkeys are built from. */
export interface PasskeyDependencies {
	readonly storage: Storage;
	readonly clock: Clock;
	readonly random: RandomBytes;
	readonly serverName: ServerName;
	/** Where people's browsers reach the server. */
	readonly publicUrl: string;
	/** 32 bytes that nobody else has. */
	readonly secret: Uint8Array;
}

/** Options of a registration, as `PublicKeyCredential.parseCreationOptionsFromJSON` takes them. */
export type RegistrationOptions = PublicKeyCredentialCreationOptionsJSON;
/** Options of an authentication, as `PublicKeyCredential.parseRequestOptionsFromJSON` takes them. */
export type AuthenticationOptions = PublicKeyCredentialRequestOptionsJSON;

/** A passkey as its person is shown it. */
export type Passkey = Pick<PasskeyRow, 'credentialId' | 'name' | 'createdDay' | 'lastUsedDay'>;

/** What a browser made, and whose it is to be. */
export interface PasskeyRegistration {
	readonly userId: UserId;
	/** The browser's session that asked. */
	readonly session: string;
	/** The credential in JSON. */
	readonly answer: string;
	/** As its person calls it. */
	readonly name: string;
}

/** What a browser answered with a passkey. */
export interface PasskeyAnswer {
	/** The browser's session that asked. */
	readonly session: string;
	/** The credential in JSON. */
	readonly answer: string;
	/** Whose passkey was asked for; `undefined`: anybody's. */
	readonly userId: UserId | undefined;
}

/** Keys that browsers make, and unlock for their person. @see https://www.w3.org/TR/webauthn-3/ */
export interface Passkeys {
	/** Whether browsers make passkeys for where this server is reached: by https, or on this machine, under a name. */
	readonly arePossible: boolean;
	/** @throws SecondFactorError 'no-passkeys-here', 'too-many-passkeys' */
	beginRegistration(userId: UserId, session: string): Promise<RegistrationOptions>;
	/**
	 * Adds to a batch the passkey that a browser made. The challenge is used up whether the answer is right or not.
	 * @throws SecondFactorError 'wrong-passkey', 'too-many-passkeys', 'invalid-name', 'no-passkeys-here'
	 */
	register(batch: Batch, registration: PasskeyRegistration): Promise<void>;
	/** Asks for a passkey of this account, or of whoever has one. @throws SecondFactorError 'no-passkeys-here' */
	beginAuthentication(session: string, userId: UserId | undefined): Promise<AuthenticationOptions>;
	/**
	 * Gives whose passkey answered. The challenge is used up whether the answer is right or not.
	 * @throws SecondFactorError 'wrong-passkey', 'no-passkeys-here'
	 */
	authenticate(answer: PasskeyAnswer): Promise<UserId>;
	/** Lists an account's passkeys, the oldest first. */
	list(userId: UserId): Promise<readonly Passkey[]>;
	/** @throws SecondFactorError 'unknown-passkey', 'invalid-name' */
	rename(userId: UserId, credentialId: string, name: string): Promise<void>;
}

/** Makes passkeys. The library that reads them is loaded when the first one is used. */
export function createPasskeys(dependencies: PasskeyDependencies): Passkeys {
	const {storage, publicUrl} = dependencies;
	const found = relyingPartyOf(publicUrl);
	const parts = (): PasskeyParts => {
		if (found !== undefined) return {...dependencies, party: found, challenges};
		throw new SecondFactorError('no-passkeys-here', 'Passkeys need public_url to be https and a name, not an address');
	};
	const challenges = createPasskeyChallenges(dependencies);
	return {
		arePossible: found !== undefined,
		beginRegistration: async (userId, session) => beginRegistration(parts(), userId, session),
		register: async (batch, registration) => register(parts(), batch, registration),
		beginAuthentication: async (session, userId) => beginAuthentication(parts(), session, userId),
		authenticate: async (answer) => authenticate(parts(), answer),
		async list(userId) {
			const rows = await storage.factors.listPasskeys(userId);
			return rows
				.map(({credentialId, name, createdDay, lastUsedDay}) => ({credentialId, name, createdDay, lastUsedDay}))
				.toSorted((left, right) => left.createdDay - right.createdDay);
		},
		async rename(userId, credentialId, name) {
			const batch = storage.batch();
			storage.factors.renamePasskey(batch, userId, credentialId, checkName(name));
			await storage.commit(batch).catch(orUnknownPasskey);
		},
	};
}

/** The error for a passkey that is not there, has no place or must stay, where a commit was lost on it. */
export function orUnknownPasskey(cause: unknown): never {
	if (cause instanceof ConflictError && cause.condition === 'passkey') {
		throw new SecondFactorError('unknown-passkey', 'There is no such passkey', {cause});
	}
	if (cause instanceof DuplicateError && cause.table === 'passkeys') {
		throw new SecondFactorError('passkey-exists', 'This passkey is set up already', {cause});
	}
	if (cause instanceof ConflictError && cause.condition === 'passkey_count') throw tooManyPasskeys({cause});
	if (cause instanceof ConflictError && cause.condition === 'way_in') {
		throw new SecondFactorError('last-way-in', 'Nothing but this passkey signs in to the account', {cause});
	}
	throw cause;
}

interface PasskeyParts extends PasskeyDependencies {
	readonly party: RelyingParty;
	readonly challenges: PasskeyChallenges;
}

const load = () => import('@simplewebauthn/server');

async function beginRegistration(
	{storage, secret, serverName, party, challenges}: PasskeyParts,
	userId: UserId,
	session: string,
): Promise<RegistrationOptions> {
	const present = await storage.factors.listPasskeys(userId);
	checkPlace(present);
	const challenge = await challenges.issue({purpose: 'register', session, userId});
	const {generateRegistrationOptions} = await load();
	return generateRegistrationOptions({
		rpName: serverName,
		rpID: party.id,
		userName: userId,
		userDisplayName: userId,
		userID: bytesOf(userHandleOf(secret, userId)),
		challenge: bytesOf(challenge),
		attestationType: 'none',
		excludeCredentials: present.map(describe),
		authenticatorSelection: {residentKey: 'required', userVerification: 'required'},
		supportedAlgorithmIDs: ALGORITHMS,
	});
}

async function register(
	{storage, clock, secret, party, challenges}: PasskeyParts,
	batch: Batch,
	{userId, session, answer, name}: PasskeyRegistration,
): Promise<void> {
	const checkedName = checkName(name);
	const expectedChallenge = await challenges.use({purpose: 'register', session, userId});
	const response = readRegistration(answer);
	const answered = response.response;
	await refuseCertificates(answered.attestationObject);
	const {verifyRegistrationResponse} = await load();
	const {verified, registrationInfo} = await verifyRegistrationResponse({
		response: {
			...response,
			response: {clientDataJSON: answered.clientDataJSON, attestationObject: answered.attestationObject},
			clientExtensionResults: {},
		},
		expectedChallenge,
		expectedOrigin: party.origin,
		expectedRPID: party.id,
		requireUserVerification: true,
		supportedAlgorithmIDs: ALGORITHMS,
	}).catch(orWrongPasskey);
	if (!verified) throw wrongPasskey();
	checkPlace(await storage.factors.listPasskeys(userId));
	const {id, publicKey, counter} = registrationInfo.credential;
	// What is signed says which passkey it is; what stands beside it must not say another.
	if (id !== response.id) throw wrongPasskey();
	const passkey = {
		credentialId: id,
		userId,
		userHandle: userHandleOf(secret, userId),
		publicKey,
		signCount: counter,
		transports: answered.transports ?? [],
		name: checkedName,
		createdDay: Math.floor(clock.now() / 86_400_000),
		lastUsedDay: null,
	};
	storage.factors.addPasskey(batch, passkey, PASSKEYS_MAX);
}

async function beginAuthentication(
	{storage, party, challenges}: PasskeyParts,
	session: string,
	userId: UserId | undefined,
): Promise<AuthenticationOptions> {
	const challenge = await challenges.issue({purpose: 'authenticate', session, userId});
	const {generateAuthenticationOptions} = await load();
	return generateAuthenticationOptions({
		rpID: party.id,
		challenge: bytesOf(challenge),
		userVerification: 'required',
		allowCredentials: userId === undefined ? [] : (await storage.factors.listPasskeys(userId)).map(describe),
	});
}

async function authenticate(
	{storage, clock, party, challenges}: PasskeyParts,
	{session, answer, userId}: PasskeyAnswer,
): Promise<UserId> {
	const expectedChallenge = await challenges.use({purpose: 'authenticate', session, userId});
	const response = readAuthentication(answer);
	const passkey = await storage.factors.findPasskey(response.id);
	if (passkey === undefined || (userId !== undefined && passkey.userId !== userId)) throw wrongPasskey();
	const {clientDataJSON, authenticatorData, signature, userHandle} = response.response;
	// Where nobody was named, the authenticator must say for whom it answers.
	const handle = userHandle ?? (userId === undefined ? '' : passkey.userHandle);
	if (handle !== passkey.userHandle) throw wrongPasskey();
	const {verifyAuthenticationResponse} = await load();
	const {verified, authenticationInfo} = await verifyAuthenticationResponse({
		response: {...response, response: {clientDataJSON, authenticatorData, signature}, clientExtensionResults: {}},
		expectedChallenge,
		expectedOrigin: party.origin,
		expectedRPID: party.id,
		requireUserVerification: true,
		credential: {
			id: passkey.credentialId,
			publicKey: Uint8Array.from(passkey.publicKey),
			counter: passkey.signCount,
		},
	}).catch(orWrongPasskey);
	if (!verified) throw wrongPasskey();
	const batch = storage.batch();
	storage.factors.usePasskey(batch, {
		credentialId: passkey.credentialId,
		signCountBefore: passkey.signCount,
		signCount: authenticationInfo.newCounter,
		lastUsedDay: Math.floor(clock.now() / 86_400_000),
	});
	await storage.commit(batch).catch((cause: unknown) => {
		throw cause instanceof ConflictError ? wrongPasskey({cause}) : cause;
	});
	return passkey.userId;
}

/**
 * Certificates of authenticators are not asked for, and would be looked up wherever they say: who sends one all the same is
 * refused before anybody looks at it.
 */
async function refuseCertificates(attestationObject: string): Promise<void> {
	const bytes = decodeBase64Url(attestationObject);
	if (bytes === undefined) throw wrongPasskey();
	const {decodeAttestationObject} = await import('@simplewebauthn/server/helpers');
	try {
		const attestation = decodeAttestationObject(Uint8Array.from(bytes));
		const format = attestation.get('fmt');
		const isSelfSigned = format === 'packed' && attestation.get('attStmt').get('x5c') === undefined;
		if (format === 'none' || isSelfSigned) return;
	} catch (cause) {
		throw wrongPasskey({cause});
	}
	throw wrongPasskey();
}

// The library says by plain errors what it does not like; none of them is the person's to mend.
function orWrongPasskey(cause: unknown): never {
	throw wrongPasskey({cause});
}

/** As an authenticator that is found tells of nobody: what it knows its person by is no name. */
function userHandleOf(secret: Uint8Array, userId: UserId): string {
	return encodeBase64Url(createHmac('sha512', secret).update(`user handle ${userId}`).digest());
}

function bytesOf(encoded: string): Uint8Array<ArrayBuffer> {
	return Uint8Array.from(decodeBase64Url(encoded) ?? []);
}

function describe({credentialId, transports}: PasskeyRow) {
	// As browsers said them; browsers pass over what they do not know.
	// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the library's type is a list of what is known today
	return {id: credentialId, transports: [...transports] as AuthenticatorTransport[]};
}

function checkPlace(present: readonly PasskeyRow[]): void {
	if (present.length >= PASSKEYS_MAX) throw tooManyPasskeys();
}

function tooManyPasskeys(options?: ErrorOptions): SecondFactorError {
	const text = `Expected fewer than ${PASSKEYS_MAX} passkeys: remove one first`;
	return new SecondFactorError('too-many-passkeys', text, options);
}

function checkName(name: string): string {
	const trimmed = name.trim();
	if (trimmed.length > 0 && trimmed.length <= NAME_LENGTH_MAX) return trimmed;
	throw new SecondFactorError('invalid-name', `Expected a name of 1 to ${NAME_LENGTH_MAX} characters`);
}
