import {X509Certificate} from 'node:crypto';
import {existsSync, readFileSync, statSync} from 'node:fs';
import {statfs} from 'node:fs/promises';
import {dirname} from 'node:path';
import {createSecureContext} from 'node:tls';
import {loadOldVerifyKeys, loadSigningKeys} from '../../crypto/index.ts';
import {inspectDatabase} from '../../storage/index.ts';
import {type Config, databaseUrl, keyFilesOf} from '../config/index.ts';
import {explain, type Finding, findingsOf, judgeEnd} from './finding.ts';

const GIBIBYTE = 2 ** 30;
/** Below this much, or this share, little time is left to make room. */
const SPARE_BYTES = GIBIBYTE;
const SPARE_SHARE = 0.05;
/** Below this much the database may stop at any moment. */
const LEAST_BYTES = GIBIBYTE / 8;

const gibibytes = (bytes: number): string => `${(bytes / GIBIBYTE).toFixed(1)} GiB`;

/** Looks how much room there is where the server writes. */
export async function examineDisks({dataPath, database, media}: Config): Promise<Finding[]> {
	const {good, warning, bad} = findingsOf('disk');
	const places = new Set([dataPath, media.store]);
	if (database.kind === 'sqlite') places.add(dirname(database.path));
	const findings = new Map<string, Finding>();
	for (const place of places) {
		let directory = place;
		while (!existsSync(directory)) directory = dirname(directory);
		try {
			const {bavail, blocks, bsize} = await statfs(directory);
			const [free, all] = [bavail * bsize, blocks * bsize];
			const text = `${gibibytes(free)} of ${gibibytes(all)} are free at ${directory}`;
			const advice = 'make room, or move the data to a larger disk';
			const isScarce = free < SPARE_BYTES || free < all * SPARE_SHARE;
			const found = free < LEAST_BYTES ? bad(text, advice) : isScarce ? warning(text, advice) : good(text);
			// Directories on one disk are told of once.
			findings.set(String(statSync(directory).dev), found);
		} catch (error) {
			findings.set(place, bad(`${directory}: ${explain(error)}`, 'let the server read and write there'));
		}
	}
	return [...findings.values()];
}

/** Looks whether the database is this server's and holds what it must, and at what waits in it. */
export async function examineDatabase({database, serverName}: Config): Promise<{
	readonly findings: readonly Finding[];
	readonly recentServers: readonly string[];
}> {
	const {good, warning, bad} = findingsOf('database');
	try {
		const found = await inspectDatabase(databaseUrl(database));
		const findings: Finding[] = [];
		if (found.serverName !== serverName) {
			findings.push(
				bad(`it is that of ${found.serverName}`, `set server_name to ${found.serverName}, or database to another`),
			);
		}
		for (const fault of found.faults) findings.push(bad(fault, 'stop the server, and restore the last backup'));
		if (found.failingServers > 0) {
			findings.push(
				warning(
					`${found.failingServers} partner servers do not take what they are owed`,
					'nothing, if they are known to be down; else look at the checks of federation',
				),
			);
		}
		if (findings.length === 0) findings.push(good(`it is in order, with schema ${found.schemaVersion}`));
		return {findings, recentServers: found.recentServers};
	} catch (error) {
		const advice = 'start the server once to make it, or see to it that it can be reached';
		return {findings: [bad(explain(error), advice)], recentServers: []};
	}
}

/** Looks whether the server's own keys can be read, by it alone. */
export async function examineKeys(config: Config): Promise<Finding[]> {
	const {good, bad} = findingsOf('keys');
	const files = keyFilesOf(config);
	try {
		const [key] = await loadSigningKeys(files.signing);
		const old = await loadOldVerifyKeys(files.old);
		const others = old.length === 0 ? '' : `, and publishes ${old.length} old keys`;
		const mode = statSync(files.signing).mode & 0o777;
		if ((mode & 0o077) !== 0) {
			return [bad(`${files.signing} can be read by others (mode ${mode.toString(8)})`, `chmod 600 ${files.signing}`)];
		}
		return [good(`the server signs with ${key?.keyId}${others}`)];
	} catch (error) {
		return [bad(explain(error), 'start the server once to make a key, or restore it from a backup')];
	}
}

/** Looks at the certificates that the server's own listeners show. */
export function examineCertificates({listeners}: Config, nowTs: number): Finding[] {
	const {bad, skipped} = findingsOf('certificates');
	const files = listeners.flatMap(({tls}) => tls ?? []);
	if (files.length === 0) return [skipped('no listener of this server speaks TLS itself')];
	return files.map(({certificate, key}) => {
		try {
			const pem = readFileSync(certificate);
			createSecureContext({cert: pem, key: readFileSync(key)});
			return judgeEnd('certificates', certificate, Date.parse(new X509Certificate(pem).validTo), nowTs);
		} catch (error) {
			return bad(`${certificate} with ${key}: ${explain(error)}`, 'give a certificate and its own key, both PEM');
		}
	});
}
