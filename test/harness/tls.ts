import {
	createHash,
	createPrivateKey,
	createPublicKey,
	generateKeyPairSync,
	type KeyObject,
	randomBytes,
	sign,
} from 'node:crypto';
import {isIP, isIPv4} from 'node:net';

/** A key and a certificate, both PEM. */
export interface KeyPair {
	readonly key: string;
	readonly cert: string;
}

/** A private certificate authority for tests. Node has no way to make certificates, so the few bytes of DER are written here. */
export interface TestAuthority {
	/** The authority's own certificate, PEM: what `federation.trusted_certificates` is given. */
	readonly certificate: string;
	/** Its private key, PEM. */
	readonly key: string;
	/** Makes a certificate for DNS names and IP addresses, e.g. `issue(['hs.example', '127.0.0.5'])`. */
	issue(names: readonly string[], options?: {readonly notAfter?: Date}): KeyPair;
}

const DAY_MS = 86_400_000;

/**
 * Makes an authority.
 * @param key Its private key (PEM), as an earlier one had it; default: a new one
 */
export function createTestAuthority(key?: string): TestAuthority {
	const commonName = 'Broadsheet test authority';
	const privateKey =
		key === undefined ? generateKeyPairSync('ec', {namedCurve: 'prime256v1'}).privateKey : createPrivateKey(key);
	const keys = {privateKey, publicKey: createPublicKey(privateKey)};
	const subject = distinguishedName(commonName);
	const keyId = keyIdentifier(keys.publicKey);
	const certificate = createCertificate({
		subject,
		issuer: subject,
		publicKey: keys.publicKey,
		issuerKey: keys.privateKey,
		notAfter: new Date(Date.now() + 3650 * DAY_MS),
		extensions: [
			extension('2.5.29.19', true, sequence(boolean(true))),
			extension('2.5.29.15', true, bits(0b0000_0110, 1)),
			extension('2.5.29.14', false, octets(keyId)),
		],
	});
	return {
		certificate,
		key: keys.privateKey.export({type: 'pkcs8', format: 'pem'}) as string,
		issue(names, {notAfter = new Date(Date.now() + 365 * DAY_MS)} = {}) {
			const own = generateKeyPairSync('ec', {namedCurve: 'prime256v1'});
			const cert = createCertificate({
				subject: distinguishedName('Broadsheet test server'),
				issuer: subject,
				publicKey: own.publicKey,
				issuerKey: keys.privateKey,
				notAfter,
				extensions: [
					extension('2.5.29.19', true, sequence()),
					extension('2.5.29.15', true, bits(0b1000_0000, 7)),
					extension('2.5.29.37', false, sequence(objectId('1.3.6.1.5.5.7.3.1'))),
					extension('2.5.29.35', false, sequence(tagged(0x80, keyId))),
					extension('2.5.29.17', false, sequence(...names.map(alternativeName))),
				],
			});
			return {key: own.privateKey.export({type: 'pkcs8', format: 'pem'}) as string, cert};
		},
	};
}

interface CertificateParts {
	readonly subject: Buffer;
	readonly issuer: Buffer;
	readonly publicKey: KeyObject;
	readonly issuerKey: KeyObject;
	readonly notAfter: Date;
	readonly extensions: readonly Buffer[];
}

/** Writes and signs an X.509 version 3 certificate (RFC 5280 section 4.1). */
function createCertificate({subject, issuer, publicKey, issuerKey, notAfter, extensions}: CertificateParts): string {
	const algorithm = sequence(objectId('1.2.840.10045.4.3.2')); // ecdsa-with-SHA256
	const serial = randomBytes(16);
	serial[0] = ((serial[0] as number) & 0x7f) | 0x40;
	const toBeSigned = sequence(
		tagged(0xa0, integer(Buffer.from([2]))),
		integer(serial),
		algorithm,
		issuer,
		sequence(time(new Date(Math.min(Date.now(), notAfter.getTime()) - 2 * DAY_MS)), time(notAfter)),
		subject,
		publicKey.export({type: 'spki', format: 'der'}),
		tagged(0xa3, sequence(...extensions)),
	);
	const der = sequence(toBeSigned, algorithm, bitString(sign('sha256', toBeSigned, issuerKey)));
	const lines = der.toString('base64').match(/.{1,64}/g) as string[];
	return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function tagged(tag: number, ...content: readonly Uint8Array[]): Buffer {
	const body = Buffer.concat(content);
	const length = [];
	for (let rest = body.length; rest > 0; rest >>= 8) length.unshift(rest & 0xff);
	const head = body.length < 0x80 ? [tag, body.length] : [tag, 0x80 | length.length, ...length];
	return Buffer.concat([Buffer.from(head), body]);
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
	return tagged(0x30, ...parts);
}

function boolean(value: boolean): Buffer {
	return tagged(0x01, Buffer.from([value ? 0xff : 0]));
}

function integer(bytes: Buffer): Buffer {
	return tagged(0x02, bytes);
}

function octets(bytes: Uint8Array): Buffer {
	return tagged(0x04, bytes);
}

function bitString(bytes: Uint8Array): Buffer {
	return tagged(0x03, Buffer.from([0]), bytes);
}

/** A bit string of one byte, whose last bits are unused. */
function bits(byte: number, unused: number): Buffer {
	return tagged(0x03, Buffer.from([unused, byte]));
}

function objectId(dotted: string): Buffer {
	const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
	const bytes = [first * 40 + second];
	for (const arc of rest) {
		const groups = [arc & 0x7f];
		for (let high = arc >>> 7; high > 0; high >>>= 7) groups.unshift((high & 0x7f) | 0x80);
		bytes.push(...groups);
	}
	return tagged(0x06, Buffer.from(bytes));
}

/** UTCTime, as RFC 5280 wants it until 2049. */
function time(date: Date): Buffer {
	return tagged(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`));
}

function distinguishedName(commonName: string): Buffer {
	const name = sequence(objectId('2.5.4.3'), tagged(0x0c, Buffer.from(commonName)));
	return sequence(tagged(0x31, name));
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
	return sequence(objectId(id), ...(isCritical ? [boolean(true)] : []), octets(value));
}

function keyIdentifier(publicKey: KeyObject): Buffer {
	return createHash('sha1')
		.update(publicKey.export({type: 'spki', format: 'der'}))
		.digest();
}

function alternativeName(name: string): Buffer {
	return isIP(name) === 0 ? tagged(0x82, Buffer.from(name, 'ascii')) : tagged(0x87, addressBytes(name));
}

function addressBytes(address: string): Buffer {
	if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
	const hex = new URL(`http://[${address}]`).hostname.slice(1, -1);
	const [head = '', tail = ''] = hex.split('::');
	const before = head === '' ? [] : head.split(':');
	const after = tail === '' ? [] : tail.split(':');
	const zeros = Array.from({length: 8 - before.length - after.length}, () => '0');
	return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex');
}
