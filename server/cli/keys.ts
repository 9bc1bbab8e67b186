import {
	generateSigningKey,
	loadOldVerifyKeys,
	loadSigningKeys,
	saveOldVerifyKeys,
	saveSigningKeys,
} from '../../crypto/index.ts';
import {lookAtDatabase} from '../../storage/index.ts';
import {databaseUrl, loadConfig, keyFilesOf} from '../config/index.ts';
import {type Command, CommandError, configOption} from './command.ts';
import {recordAct} from './record.ts';

/**
 * Makes a new signing key. The one before is published from then on as one that was in use until now, so that what it
 * signed stays good. No server may run meanwhile: what it signed after that moment would be good nowhere.
 */
const keyRotate: Command = {
	name: 'key rotate',
	usage: '[--config FILE]',
	summary: 'Makes a new signing key and publishes the one before as an old one. The server must not run.',
	positionalsCount: 0,
	options: configOption,
	async run({values}, terminal) {
		const config = loadConfig(
			typeof values['config'] === 'string' ? values['config'] : undefined,
			terminal.environment,
		);
		const files = keyFilesOf(config);
		const keys = await loadSigningKeys(files.signing);
		const found = await lookAtDatabase(databaseUrl(config.database));
		if (found === 'in_use') {
			throw new CommandError('A server runs on this database: stop it first, and start it when the key is changed');
		}
		const expiredTs = Date.now();
		const retired = keys.map(({keyId, publicKey}) => ({keyId, publicKey, expiredTs}));
		const others = (await loadOldVerifyKeys(files.old)).filter((old) => !keys.some(({keyId}) => keyId === old.keyId));
		const key = generateSigningKey();
		// A server that was never started has no log, and nothing that it signed.
		if (found === 'present') {
			await recordAct(config, {act: 'rotate-key', whom: key.keyId, details: {retired: keys.map(({keyId}) => keyId)}});
		}
		// The old keys first: if this ends in between, the same again does no harm, and nothing is forgotten.
		await saveOldVerifyKeys(files.old, [...others, ...retired]);
		await saveSigningKeys(files.signing, [key]);
		terminal.print(`${config.serverName} signs with ${key.keyId} from its next start on.`);
		for (const {keyId} of retired) terminal.print(`  ${keyId} is published as an old key`);
		terminal.print('Make a backup: older ones hold the old key.');
		return 0;
	},
};

/** The commands about the server's own keys. */
export const keyCommands: readonly Command[] = [keyRotate];
