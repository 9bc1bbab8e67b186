/** An authenticator made of software: makes passkeys and signs with them, as browsers pass it on, and lies where it is told to. */
import {createHash, createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign} from 'node:crypto';

const base64Url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const sha256 = (data: Uint8Array | string): Buffer => createHash('sha256').update(data).digest();

const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const HAS_CREDENTIAL = 0x40;

/** What an answer differs in from an honest one. */
export interface Lie {
	readonly origin?: string;
	readonly rpId?: string;
	readonly challenge?: string;
	readonly type?: string;
	readonly crossOrigin?: boolean;
	readonly isUnverified?: boolean;
	readonly signCount?: number;
	/** `undefined`: none is said. */
	readonly userHandle?: string | undefined;
}

/** What a page is given to ask an authenticator with. */
interface CreationOptions {
	readonly challenge: string;
	readonly rp: {readonly id?: string};
	readonly user: {readonly id: string};
}

/** A passkey, and the person that it knows. */
export class Authenticator {
	readonly #origin: string;
	readonly #key: KeyObject;
	readonly credentialId: string;
	#userHandle = '';
	signCount = 0;

	/** @param origin where the browser is */
	constructor(origin: string, credentialId: Uint8Array = randomBytes(32)) {
		this.#origin = origin;
		this.credentialId = base64Url(credentialId);
		this.#key = generateKeyPairSync('ec', {namedCurve: 'P-256'}).privateKey;
	}

	/** Makes the passkey: what `navigator.credentials.create` gives, in JSON. */
	create(options: CreationOptions, lie: Lie = {}): string {
		this.#userHandle = options.user.id;
		const id = Buffer.from(this.credentialId, 'base64url');
		const length = Buffer.from([0, id.length]);
		const credential = Buffer.concat([Buffer.alloc(16), length, id, this.#coseKey()]);
		const authData = Buffer.concat([this.#head(lie.rpId ?? options.rp.id ?? '', HAS_CREDENTIAL, lie), credential]);
		const head = Buffer.from('a363666d74646e6f6e656761747453746d74a0686175746844617461', 'hex');
		const attestationObject = Buffer.concat([head, Buffer.from([0x58, authData.length]), authData]);
		return this.#answer({
			clientDataJSON: this.#clientData('webauthn.create', options.challenge, lie),
			attestationObject: base64Url(attestationObject),
			transports: ['internal'],
		});
	}

	/** Signs with the passkey: what `navigator.credentials.get` gives, in JSON. */
	get(options: {readonly challenge: string; readonly rpId?: string}, lie: Lie = {}): string {
		this.signCount += 1;
		const authenticatorData = this.#head(lie.rpId ?? options.rpId ?? '', 0, lie);
		const clientDataJSON = this.#clientData('webauthn.get', options.challenge, lie);
		const signed = Buffer.concat([authenticatorData, sha256(Buffer.from(clientDataJSON, 'base64url'))]);
		const userHandle = 'userHandle' in lie ? lie.userHandle : this.#userHandle;
		return this.#answer({
			clientDataJSON,
			authenticatorData: base64Url(authenticatorData),
			signature: base64Url(sign('sha256', signed, this.#key)),
			...(userHandle !== undefined && {userHandle}),
		});
	}

	#answer(response: Readonly<Record<string, unknown>>): string {
		return JSON.stringify({id: this.credentialId, rawId: this.credentialId, type: 'public-key', response});
	}

	#clientData(type: string, challenge: string, lie: Lie): string {
		const data = {
			type: lie.type ?? type,
			challenge: lie.challenge ?? challenge,
			origin: lie.origin ?? this.#origin,
			crossOrigin: lie.crossOrigin ?? false,
		};
		return base64Url(Buffer.from(JSON.stringify(data)));
	}

	#head(rpId: string, flags: number, lie: Lie): Buffer {
		const count = Buffer.alloc(4);
		count.writeUInt32BE(lie.signCount ?? this.signCount);
		const verified = lie.isUnverified === true ? 0 : USER_VERIFIED;
		return Buffer.concat([sha256(rpId), Buffer.from([flags | USER_PRESENT | verified]), count]);
	}

	/** As a COSE_Key of ES256. */
	#coseKey(): Buffer {
		const {x = '', y = ''} = this.#key.export({format: 'jwk'});
		const head = Buffer.from('a5010203262001215820', 'hex');
		const [left, right] = [Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')];
		return Buffer.concat([head, left, Buffer.from('225820', 'hex'), right]);
	}
}

/** Signs with a P-256 key that is given by its numbers in hexadecimal, as test vectors do. */
export function signWith(
	key: {readonly d: string; readonly x: string; readonly y: string},
	signed: Uint8Array,
): Buffer {
	const encode = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url');
	const jwk = {kty: 'EC', crv: 'P-256', d: encode(key.d), x: encode(key.x), y: encode(key.y)};
	return sign('sha256', signed, createPrivateKey({key: jwk, format: 'jwk'}));
}
