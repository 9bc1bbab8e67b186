import test from 'ava';
import {
	CanonicalJsonError,
	canonicalJson,
	canonicalJsonBytes,
	generateSigningKey,
	JsonSyntaxError,
	type JsonValue,
	readClientJson,
	readJson,
	readStrictJson,
	type ServerName,
	signJson,
	verifySignedJson,
} from '../../crypto/index.ts';
import {MatrixError} from '../../server/http/errors.ts';
import {readClientBody, readServerBody} from '../../server/http/json.ts';
import {expectTame, hostileBytes, hostileJson} from './hostile-input.ts';

const samples = [
	'{"pdus":[{"type":"m.room.message","content":{"body":"\\u00fc\\ud83d\\ude00","n":[1,-2,1.5,1e2]},"depth":12}],"edus":[]}',
	'{"a":{"b":{"c":[true,false,null,"x",0,-0,9007199254740993]}},"a\\u0000":"\\"\\\\\\/\\b\\f\\n\\r\\t"}',
	'[[[[[[[[1]]]]]]]]',
	' \t\r\n{ "key" : "value" , "key" : "again" } ',
];

test('the readers of JSON refuse hostile bytes by name, and at once', async (t) => {
	await expectTame(t, {
		input: hostileBytes(samples),
		act(bytes) {
			const readings = [
				() => readJson(bytes).value,
				() => readStrictJson(bytes),
				() => readClientJson(bytes),
				() => readClientJson(bytes, {numbers: 'lossless'}),
			].map((read) => attempt(read, JsonSyntaxError));
			const [lenient, strict] = readings;
			// Whatever the strict reader takes, the one that lists defects reads as the same.
			if (strict instanceof Error) throw strict;
			t.deepEqual(strict, lenient);
		},
		refusals: [JsonSyntaxError],
	});
});

test('a body that cannot be read is the fault of who sent it', async (t) => {
	await expectTame(t, {
		input: hostileBytes(samples),
		act(bytes) {
			// Bodies this short are read at once.
			void attempt(() => readServerBody(bytes), MatrixError);
			attempt(() => readClientBody(bytes, 'lossless'), MatrixError);
			readClientBody(bytes, 'plain');
		},
		refusals: [MatrixError],
	});
});

test('a value has one canonical form, which reads as the same, or a fault of a known name', async (t) => {
	const key = generateSigningKey();
	await expectTame(t, {
		input: hostileJson(samples.slice(0, 2).map((sample) => readStrictJson(sample))),
		act(value: JsonValue) {
			const text = canonicalJson(value);
			t.is(canonicalJson(readStrictJson(text, {depthMax: 1_024})), text);
			t.is(Buffer.from(canonicalJsonBytes(value)).toString(), text);
			const signed = signJson({value}, 'a.example' as ServerName, key);
			t.true(verifySignedJson(signed, 'a.example', key.keyId, key.publicKey));
		},
		refusals: [CanonicalJsonError],
	});
});

/** Gives what something makes, or the error of a class by which it says that it cannot. */
function attempt<Made>(make: () => Made, refusal: typeof JsonSyntaxError | typeof MatrixError): Made | Error {
	try {
		return make();
	} catch (error) {
		if (error instanceof refusal) return error;
		throw error;
	}
}
