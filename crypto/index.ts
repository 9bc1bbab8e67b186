export {breathe} from './breathe.ts';
export {
	type Base64Leniency,
	decodeBase64,
	decodeBase64Url,
	isBase64Of,
	encodeBase64,
	encodeBase64Url,
} from './base64.ts';
export {
	CanonicalJsonError,
	type CanonicalJsonFault,
	canonicalJson,
	canonicalJsonBytes,
	compareCodePoints,
	findCanonicalFault,
} from './canonical-json.ts';
export {
	findPublicKeyFault,
	type PublicKeyFault,
	type SignedMessage,
	verify,
	verifyMany,
} from './ed25519.ts';
export {sha1Hex, sha256, sha256Base64, sha256Base64Url} from './hashes.ts';
export {
	type DeviceId,
	domainOf,
	type EventId,
	type EventIdShape,
	isCompliantUserId,
	isDeviceId,
	isDomainRoomId,
	isEventId,
	isEventIdOfShape,
	isHashRoomId,
	isKeyId,
	isMediaId,
	isRoomAlias,
	isRoomId,
	isServerName,
	isStrictLocalpart,
	isStrictUserId,
	isUserId,
	type KeyId,
	localpartOf,
	type MediaId,
	type MxcUri,
	parseMxcUri,
	parseServerName,
	type RoomAlias,
	type RoomId,
	type ServerAddress,
	type ServerName,
	type UserId,
} from './identifiers.ts';
export {isJsonObject, type JsonObject, type JsonValue, LosslessNumber} from './json.ts';
export {type JsonDefect, type JsonFault, JsonSyntaxError} from './json-fault.ts';
export {readJsonInParts} from './json-parts.ts';
export {sliceMembers} from './json-slices.ts';
export {
	decodeText,
	type JsonReading,
	type ReadClientJsonOptions,
	type ReadJsonOptions,
	readClientJson,
	readJson,
	readStrictJson,
} from './json-reader.ts';
export {
	findSignedMessage,
	listSignatureKeyIds,
	readSignatures,
	type Signatures,
	type SignedJson,
	type Signer,
	signJson,
	verifySignedJson,
} from './sign-json.ts';
export {
	loadOldVerifyKeys,
	loadOrCreateSigningKeys,
	loadSigningKeys,
	saveOldVerifyKeys,
	saveSigningKeys,
} from './signing-key-file.ts';
export {generateSigningKey, type OldVerifyKey, parseSigningKeys, SigningKey, SigningKeyError} from './signing-key.ts';
export {
	type Argon2Cost,
	PasswordHasher,
	type PasswordHasherOptions,
	PasswordTooLongError,
	passwordBytesMax,
} from './passwords.ts';
export {type RandomBytes, randomText} from './random-text.ts';
export {Seal} from './seal.ts';
export {loadOrCreateSecret} from './secret-file.ts';
export {BusyError, Semaphore} from './semaphore.ts';
export {
	hashToken,
	isToken,
	newDeviceId,
	newMediaId,
	newOpaqueId,
	newRefreshFamily,
	newRefreshToken,
	newToken,
	refreshFamilyOf,
	secretsEqual,
	type TokenKind,
} from './tokens.ts';
