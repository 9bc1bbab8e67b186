import {decodeBase64, encodeBase64, findPublicKeyFault, isKeyId} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {ServerKey} from './key-document.ts';
import type {KeyStore} from './keyring.ts';

/** Keeps the keys of other servers in the database. */
export function createKeyStore(storage: Pick<Storage, 'batch' | 'commit' | 'federation'>): KeyStore {
	return {
		async listKeys(server) {
			const keys: ServerKey[] = [];
			for (const {keyId, key, validUntilTs, expiredTs} of await storage.federation.listServerKeys(server)) {
				const publicKey = decodeBase64(key);
				// A key that came to be known as leaked since it was stored counts no more; nor does a damaged row.
				if (!isKeyId(keyId) || publicKey === undefined || findPublicKeyFault(publicKey) !== undefined) continue;
				keys.push({keyId, publicKey, validUntilTs, expiredTs});
			}
			return keys;
		},
		async saveKeys(server, keys, fetchedTs) {
			if (keys.length === 0) return;
			const batch = storage.batch();
			for (const {keyId, publicKey, validUntilTs, expiredTs} of keys) {
				const key = encodeBase64(publicKey);
				storage.federation.setServerKey(batch, {server, keyId, key, validUntilTs, expiredTs, fetchedTs});
			}
			await storage.commit(batch);
		},
	};
}
