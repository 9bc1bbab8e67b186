import type {ReadEntry} from '../audit/index.ts';
import {type Command, CommandError, configOption} from './command.ts';
import {withServices} from './services.ts';

/** Entries that are shown unless said otherwise, and at most. */
const SHOWN_DEFAULT = 50;
const SHOWN_MAX = 1000;

/** Checks the whole audit log. */
const auditVerify: Command = {
	name: 'audit verify',
	usage: '[--expect POSITION:HASH] [--config FILE]',
	summary:
		'Checks that nothing of the audit log was changed or taken away, and names the first entry that does not fit; with --expect also that it holds an entry that was noted before.',
	positionalsCount: 0,
	options: {...configOption, expect: {type: 'string'}},
	async run(line, terminal) {
		const {expect} = line.values;
		const mark = typeof expect === 'string' ? readMark(expect) : undefined;
		return withServices(line, terminal, async ({audit}) => {
			const {count, hash, sealedUpTo, fault} = await audit.verify(mark);
			if (fault !== undefined) throw new CommandError(`Entry ${fault.position}: ${fault.reason}`);
			terminal.print(`${count} entries, and all fit; those up to ${sealedUpTo} are sealed`);
			if (hash !== undefined) terminal.print(`The last one is ${count}:${hash}`);
		});
	},
};

/** Prints what administrators did last. */
const auditShow: Command = {
	name: 'audit show',
	usage: '[--last COUNT] [--config FILE]',
	summary: `Prints what administrators did last, oldest first: ${SHOWN_DEFAULT} entries unless said otherwise.`,
	positionalsCount: 0,
	options: {...configOption, last: {type: 'string'}},
	async run(line, terminal) {
		const {last = String(SHOWN_DEFAULT)} = line.values;
		const limit = Number(last);
		if (typeof last !== 'string' || !/^[1-9]\d{0,3}$/.test(last) || limit > SHOWN_MAX) {
			throw new CommandError(`--last: expected a whole number from 1 to ${SHOWN_MAX}`);
		}
		return withServices(line, terminal, async ({audit}) => {
			for (const entry of (await audit.list({limit})).toReversed()) terminal.print(lineOf(entry));
		});
	},
};

/** The commands about the audit log. */
export const auditCommands: readonly Command[] = [auditVerify, auditShow];

function lineOf({position, ts, who, act, whom, details}: ReadEntry): string {
	const parts = [String(position), new Date(ts).toISOString(), who, act];
	if (whom !== null) parts.push(whom);
	if (Object.keys(details).length > 0) parts.push(JSON.stringify(details));
	return parts.join(' ');
}

function readMark(text: string) {
	const [, position, hash] = /^([1-9]\d{0,14}):([\w-]{43})$/.exec(text) ?? [];
	if (position === undefined || hash === undefined) {
		throw new CommandError('--expect: expected a position and a hash, as audit verify prints them');
	}
	return {position: Number(position), hash};
}
