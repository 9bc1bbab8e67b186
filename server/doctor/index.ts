import {loadSigningKeys, type SigningKey} from '../../crypto/index.ts';
import {type Config, keyFilesOf} from '../config/index.ts';
import {explain, type Finding, findingsOf} from './finding.ts';
import {examineCertificates, examineDatabase, examineDisks, examineKeys} from './here.ts';
import {createOutside, type Outside} from './outside.ts';
import {examinePartner} from './partner.ts';
import {examineClientAccess, examinePublishedKeys, examineRoute, examineWellKnown} from './reach.ts';

export type {Check, Finding} from './finding.ts';
export type {Outside, PlainAnswer} from './outside.ts';

/** What an examination is done with. */
export interface ExaminationOptions {
	readonly config: Config;
	/** The server to talk with; without it one that is known. */
	readonly partner?: string | undefined;
	readonly now: () => number;
	/** In place of the machine's network. */
	readonly outside?: Outside;
}

/**
 * Examines a server from its machine, beside it and without changing anything: what it stands on, how clients and servers
 * find it, and whether a partner and it understand each other. Findings come as they are made.
 */
export async function* examine(options: ExaminationOptions): AsyncGenerator<Finding, void, void> {
	const {config, partner: named, now} = options;
	yield* await examineDisks(config);
	const {findings, recentServers} = await examineDatabase(config);
	yield* findings;
	yield* await examineKeys(config);
	yield* examineCertificates(config, now());
	const keys = await loadSigningKeys(keyFilesOf(config).signing).catch((): SigningKey[] => []);
	const [signer] = keys;
	if (signer === undefined) {
		yield findingsOf('client access').skipped('without a key there is no server');
		return;
	}
	let outside: Outside;
	try {
		outside = options.outside ?? createOutside(config, signer);
	} catch (error) {
		yield findingsOf('certificates').bad(explain(error), 'see to the files of federation.trusted_certificates');
		return;
	}
	try {
		yield* await examineClientAccess(config, outside);
		yield* await examineWellKnown(config, outside);
		if (config.federation.mode === 'off') {
			yield findingsOf('partner').skipped('federation is off');
			return;
		}
		yield* await examineRoute(config, outside, now());
		yield await examinePublishedKeys(config, keys, outside, now());
		yield* await examinePartner(config, outside, {named, recentServers, nowTs: now});
	} finally {
		await outside.close();
	}
}
