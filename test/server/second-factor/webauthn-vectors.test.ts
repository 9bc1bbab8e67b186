/** The test vectors of Web Authentication, Level 3, section 16, for relying party `example.org`. */
import {createHash} from 'node:crypto';
import {verifyAuthenticationResponse, verifyRegistrationResponse} from '@simplewebauthn/server';
import test, {type ExecutionContext} from 'ava';
import {systemRandom} from '../../../federation/engine/index.ts';
import {signWith} from '../../harness/authenticator.ts';
import {ALICE, openWorld, refuses} from './world.ts';

const encode = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url');

interface Vector {
	readonly credentialId: string;
	readonly key: {readonly d: string; readonly x: string; readonly y: string};
	readonly registration: {
		readonly challenge: string;
		/** All of clientDataJSON that follows the origin. */
		readonly clientDataEnd: string;
		readonly attestationObject: string;
	};
	readonly authentication?: {
		readonly challenge: string;
		readonly clientDataEnd: string;
		readonly authenticatorData: string;
		readonly signature: string;
	};
}

const extra = (random: string): string =>
	`"crossOrigin":false,"extraData":"clientDataJSON may be extended with additional fields in the future, such as this: ${random}"}`;
const RP_ID_HASH = 'bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b5';

/** "none.ES256", "packed-self.ES256" and "none.ES256.crossOrigin". */
const vectors = {
	none: {
		credentialId: 'f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4',
		key: {
			d: '6e68e7a58484a3264f66b77f5d6dc5bc36a47085b615c9727ab334e8c369c2ee',
			x: 'afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61',
			y: '930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220',
		},
		registration: {
			challenge: '00c30fb78531c464d2b6771dab8d7b603c01162f2fa486bea70f283ae556e130',
			clientDataEnd: extra('BkQeDjdcTBrXBiAwJTLE5Q'),
			attestationObject: `a363666d74646e6f6e656761747453746d74a068617574684461746158a4${RP_ID_HASH}59000000008446ccb9ab1db374750b2367ff6f3a1f0020f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220`,
		},
		authentication: {
			challenge: '39c0e7521417ba54d43e8dc95174f423dee9bf3cd804ff6d65c857c9abf4d408',
			clientDataEnd: '"crossOrigin":false}',
			authenticatorData: `${RP_ID_HASH}1900000000`,
			signature:
				'3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87',
		},
	},
	self: {
		credentialId: '455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58c',
		key: {
			d: 'b4bbfa5d68e1693b6ef5a19a0e60ef7ee2cbcac81f7fec7006ac3a21e0c5116a',
			x: 'eb151c8176b225cc651559fecf07af450fd85802046656b34c18f6cf193843c5',
			y: '927b8aa427a2be1b8834d233a2d34f61f13bfd44119c325d5896e183fee484f2',
		},
		registration: {
			challenge: '7869c2b772d4b58eba9378cf8f29e26cf935aa77df0da89fa99c0bdc0a76f7e5',
			clientDataEnd: extra('U9hTXvKE2URkMnb_0xYHVg'),
			attestationObject: `a363666d74667061636b65646761747453746d74a263616c672663736967584630440220067a20754ab925005dbf378097c92120031581c73228d1fb4f5b881bcd7da98302207fc7b147558c7c0eba3af18bd9d121fa3d3a26d17fe3f220272178f473b6006d68617574684461746158a4${RP_ID_HASH}5d00000000df850e09db6afbdfab51697791506cfc0020455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58ca5010203262001215820eb151c8176b225cc651559fecf07af450fd85802046656b34c18f6cf193843c5225820927b8aa427a2be1b8834d233a2d34f61f13bfd44119c325d5896e183fee484f2`,
		},
		authentication: {
			challenge: '4478a10b1352348dd160c1353b0d469b5db19eb91c27f7dfa6fed39fe26af20b',
			clientDataEnd: extra('gTb53rz6EhSWomXGzimC1Q'),
			authenticatorData: `${RP_ID_HASH}0900000000`,
			signature:
				'304402203310b9431903c401f1be2bdc8d23a4007682dbbddcf846994947b7f465daf84002204e94dd00047b316061b3b99772b7efd95994a83ef584b3b6b825ea3550251b66',
		},
	},
	crossOrigin: {
		credentialId: '6e1050c0d2ca2f07c755cb2c66a74c64fa43065c18f938354d9915db2bd5ce57',
		key: {
			d: '96c940e769bd9f1237c119f144fa61a4d56af0b3289685ae2bef7fb89620623d',
			x: '22200a473f90b11078851550d03b4e44a2279f8c4eca27b3153dedfe03e4e97d',
			y: 'cbd0be95e746ad6f5a8191be11756e4c0420e72f65b466d39bc56b8b123a9c6e',
		},
		registration: {
			challenge: '3be5aacd03537142472340ab5969f240f1d87716e20b6807ac230655fa4b3b49',
			clientDataEnd: extra('zZquEtDR9DWqpW5tBWTFug').replace('false', 'true'),
			attestationObject: `a363666d74646e6f6e656761747453746d74a068617574684461746158a4${RP_ID_HASH}4500000000883f4f6014f19c09d87aa38123be48d000206e1050c0d2ca2f07c755cb2c66a74c64fa43065c18f938354d9915db2bd5ce57a501020326200121582022200a473f90b11078851550d03b4e44a2279f8c4eca27b3153dedfe03e4e97d225820cbd0be95e746ad6f5a8191be11756e4c0420e72f65b466d39bc56b8b123a9c6e`,
		},
	},
} satisfies Record<string, Vector>;

function clientData(type: string, {challenge, clientDataEnd}: {challenge: string; clientDataEnd: string}): string {
	const text = `{"type":"${type}","challenge":"${encode(challenge)}","origin":"https://example.org",${clientDataEnd}`;
	return Buffer.from(text).toString('base64url');
}

const answerOf = ({credentialId}: Vector, response: object) => {
	const id = encode(credentialId);
	return {id, rawId: id, type: 'public-key' as const, response, clientExtensionResults: {}};
};

const registrationOf = ({registration, ...vector}: Vector) => ({
	...answerOf({registration, ...vector}, {}),
	response: {
		clientDataJSON: clientData('webauthn.create', registration),
		attestationObject: encode(registration.attestationObject),
	},
});

type Authentication = NonNullable<Vector['authentication']>;

const authenticationOf = (vector: Vector, authentication: Authentication) => ({
	...answerOf(vector, {}),
	response: {
		clientDataJSON: clientData('webauthn.get', authentication),
		authenticatorData: encode(authentication.authenticatorData),
		signature: encode(authentication.signature),
	},
});

async function openVectors(t: ExecutionContext) {
	let challenge = '';
	const random = (sizeBytes: number) =>
		sizeBytes === 32 ? Buffer.from(challenge, 'hex') : systemRandom.bytes(sizeBytes);
	const world = await openWorld(t, {random, publicUrl: 'https://example.org'});
	const {factors} = world;
	return {
		register: async (vector: Vector): Promise<void> => {
			({challenge} = vector.registration);
			await factors.passkeys.beginRegistration(ALICE, 'session');
			const answer = JSON.stringify(registrationOf(vector));
			await factors.addPasskey({userId: ALICE, session: 'session', answer, name: 'Key'});
		},
		authenticate: async (vector: Vector, authentication: Authentication): Promise<string> => {
			({challenge} = authentication);
			await factors.passkeys.beginAuthentication('session', ALICE);
			const answer = JSON.stringify(authenticationOf(vector, authentication));
			return factors.passkeys.authenticate({session: 'session', answer, userId: ALICE});
		},
	};
}

for (const name of ['none', 'self'] as const) {
	test(`the library takes the vectors of attestation "${name}" as they stand`, async (t) => {
		const vector = vectors[name];
		const expected = {
			expectedOrigin: 'https://example.org',
			expectedRPID: 'example.org',
			requireUserVerification: false,
		};
		const {verified, registrationInfo} = await verifyRegistrationResponse({
			...expected,
			response: registrationOf(vector),
			expectedChallenge: encode(vector.registration.challenge),
		});
		t.true(verified);
		const authentication = await verifyAuthenticationResponse({
			...expected,
			response: authenticationOf(vector, vector.authentication),
			expectedChallenge: encode(vector.authentication.challenge),
			credential: registrationInfo!.credential,
		});
		t.true(authentication.verified);
	});
}

test('a vector with user verification registers, and signs in once its answer has it too', async (t) => {
	const {register, authenticate} = await openVectors(t);
	const {self} = vectors;
	await register(self);
	await refuses(t, authenticate(self, self.authentication), 'wrong-passkey');
	const authenticatorData = `${RP_ID_HASH}0d00000000`;
	const hash = createHash('sha256').update(Buffer.from(clientData('webauthn.get', self.authentication), 'base64url'));
	const signed = Buffer.concat([Buffer.from(authenticatorData, 'hex'), hash.digest()]);
	const signature = signWith(self.key, signed).toString('hex');
	t.is(await authenticate(self, {...self.authentication, authenticatorData, signature}), ALICE);
});

test('vectors without user verification, and from inside a frame, register nothing', async (t) => {
	const {register} = await openVectors(t);
	await refuses(t, register(vectors.none), 'wrong-passkey');
	await refuses(t, register(vectors.crossOrigin), 'wrong-passkey');
});

test('a certificate is refused before anybody looks where it points', async (t) => {
	const {register} = await openVectors(t);
	const {self} = vectors;
	// {"alg": -7, "sig": …, "x5c": [h'00']} in the place of {"alg": -7, "sig": …}
	const attestationObject = self.registration.attestationObject
		.replace('a263616c67', 'a363616c67')
		.replace('68617574684461746158a4', '6378356381410068617574684461746158a4');
	const registration = {...self.registration, attestationObject};
	const error = await refuses(t, register({...self, registration}), 'wrong-passkey');
	t.is(error.cause, undefined);
});
