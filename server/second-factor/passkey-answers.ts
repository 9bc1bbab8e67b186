import {decodeBase64Url, isJsonObject, type JsonValue, JsonSyntaxError, readStrictJson} from '../../crypto/index.ts';
import {type Schema, SchemaError, v} from '../validation/index.ts';
import {wrongPasskey} from './errors.ts';

/** Identifiers of credentials are at most 1,023 bytes. */
const credentialId = v.string({min: 1, max: 1364});
/** All else of an answer: certificates are never asked for, so this is far more than there is. */
const encoded = v.string({max: 8192});
const type = v.literal('public-key');

const registrationAnswer = v.object({
	id: credentialId,
	rawId: credentialId,
	type,
	response: v.object({
		clientDataJSON: encoded,
		attestationObject: encoded,
		transports: v.optional(v.array(v.string({max: 32}), {max: 16})),
	}),
});

const authenticationAnswer = v.object({
	id: credentialId,
	rawId: credentialId,
	type,
	response: v.object({
		clientDataJSON: encoded,
		authenticatorData: encoded,
		signature: encoded,
		userHandle: v.optional(v.nullable(v.string({max: 86}))),
	}),
});

/** What a browser says of a passkey that it made. @throws SecondFactorError 'wrong-passkey' */
export const readRegistration = (text: string) => readAnswer(text, registrationAnswer);

/** What a browser says of a passkey that it used. @throws SecondFactorError 'wrong-passkey' */
export const readAuthentication = (text: string) => readAnswer(text, authenticationAnswer);

function readAnswer<T extends {readonly response: {readonly clientDataJSON: string}}>(
	text: string,
	schema: Schema<T>,
): T {
	const answer = checked(() => schema.check(parse(text), ''));
	const clientData = decodeBase64Url(answer.response.clientDataJSON);
	const client = clientData && parse(clientData);
	// No page of ours stands in a frame of another's.
	if (!isJsonObject(client) || client['crossOrigin'] === true) throw wrongPasskey();
	return answer;
}

function parse(text: string | Uint8Array): JsonValue {
	return checked(() => readStrictJson(text));
}

function checked<T>(read: () => T): T {
	try {
		return read();
	} catch (cause) {
		if (cause instanceof JsonSyntaxError || cause instanceof SchemaError) throw wrongPasskey({cause});
		throw cause;
	}
}
