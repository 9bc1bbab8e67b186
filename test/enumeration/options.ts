/** What the program is told on its command line. */
import {parseArgs} from 'node:util';
import type {ConfigurationName} from './probe.ts';

/** Recipes: bytes, side effects, work done by the server (hashes and queries), times, classifier, limits. */
export type RecipeName = 'b' | 's' | 'q' | 't' | 'c' | 'l';

const CONFIGURATION_NAMES: readonly ConfigurationName[] = ['default', 'open', 'token'];
const RECIPE_NAMES: readonly RecipeName[] = ['b', 's', 'q', 't', 'c', 'l'];

/** The options, checked. */
export interface Options {
	/** Rows that are gone through; absent: all. */
	readonly rows: ReadonlySet<number> | undefined;
	readonly recipes: ReadonlySet<RecipeName>;
	readonly configurations: readonly ConfigurationName[];
	/** Names of each side. */
	readonly samples: number;
	/** Answers of each side whose time is taken. */
	readonly timedSamples: number;
	/** Questions of one who asks without end. */
	readonly limitProbes: number;
	/** Another server in place of ours. */
	readonly foreign:
		| {readonly url: string; readonly federationUrl: string; readonly authority: string; readonly sharedSecret: string}
		| undefined;
	readonly isSynapse: boolean;
	readonly asJson: boolean;
	readonly seed: string;
}

/** Reads the command line. @throws Error with the option that makes no sense */
export function readOptions(args: readonly string[]): Options {
	const {values} = parseArgs({
		args: [...args],
		options: {
			rows: {type: 'string'},
			recipes: {type: 'string', default: 'b,s,q'},
			timing: {type: 'boolean', default: false},
			configurations: {type: 'string', default: CONFIGURATION_NAMES.join(',')},
			samples: {type: 'string', default: '200'},
			'timed-samples': {type: 'string', default: '2000'},
			'limit-probes': {type: 'string', default: '10000'},
			url: {type: 'string'},
			'federation-url': {type: 'string'},
			authority: {type: 'string'},
			'shared-secret': {type: 'string'},
			synapse: {type: 'boolean', default: false},
			json: {type: 'boolean', default: false},
			seed: {type: 'string', default: 'enumeration'},
		},
	});
	const recipes = new Set(readList('recipes', values.recipes, RECIPE_NAMES));
	if (values.timing) recipes.add('t');
	const isElsewhere = values.synapse || values.url !== undefined;
	const configurations: readonly ConfigurationName[] = isElsewhere
		? ['open']
		: readList('configurations', values.configurations, CONFIGURATION_NAMES);
	return {
		rows: values.rows === undefined ? undefined : new Set(values.rows.split(',').map(Number)),
		recipes,
		configurations,
		samples: readCount('samples', values.samples),
		timedSamples: readCount('timed-samples', values['timed-samples']),
		limitProbes: readCount('limit-probes', values['limit-probes']),
		foreign: readForeign(values),
		isSynapse: values.synapse,
		asJson: values.json,
		seed: values.seed,
	};
}

function readForeign(values: Readonly<Record<string, unknown>>): Options['foreign'] {
	const [url, federationUrl, authority, sharedSecret] = ['url', 'federation-url', 'authority', 'shared-secret'].map(
		(name) => values[name] as string | undefined,
	);
	if (url === undefined) return undefined;
	if (federationUrl === undefined || authority === undefined || sharedSecret === undefined) {
		throw new Error(
			'--url: expected --federation-url, --shared-secret and --authority with it: a directory for an authority (ca.crt) that the server trusts',
		);
	}
	return {url, federationUrl, authority, sharedSecret};
}

function readList<Name extends string>(option: string, text: string, names: readonly Name[]): Name[] {
	return text.split(',').map((word) => {
		const name = names.find((known) => known === word);
		if (name === undefined) throw new Error(`--${option}: expected some of ${names.join(',')}, got ${word}`);
		return name;
	});
}

function readCount(option: string, text: string): number {
	const count = Number(text);
	if (!Number.isInteger(count) || count < 1) throw new Error(`--${option}: expected a number of names, got ${text}`);
	return count;
}
