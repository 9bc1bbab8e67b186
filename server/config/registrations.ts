import {readFileSync} from 'node:fs';
import {RE2JS, RE2JSException} from 're2js';
import {parse} from 'yaml';
import {type Infer, SchemaError, v} from '../validation/index.ts';
import {ConfigError} from './errors.ts';

/** Patterns of one service; a bridge has two or three. */
const PATTERNS_MAX = 64;
/** Characters of a pattern, and steps that it is compiled to: a bridge's are some forty, and cost a name ten microseconds. */
const PATTERN_CHARACTERS_MAX = 1024;
const PATTERN_STEPS_MAX = 500;

/** Names of users that an application service has, by one pattern of its registration. */
export interface UserNamespace {
	/** Whether nobody else may have such a name. */
	readonly isExclusive: boolean;
	/** Whether a user id is one of these. Takes time in proportion to the id, whatever the pattern. */
	matches(userId: string): boolean;
}

/** What is read of an application service's registration: its names. Of its tokens nothing is kept. */
export interface AppserviceRegistration {
	/** Unique among all. */
	readonly id: string;
	/** The localpart of the service's own user. */
	readonly senderLocalpart: string;
	readonly users: readonly UserNamespace[];
}

const namespace = v.object({exclusive: v.boolean(), regex: v.string({max: PATTERN_CHARACTERS_MAX})});

/** @see https://spec.matrix.org/v1.19/application-service-api/#registration */
const registration = v.object({
	id: v.string({min: 1, max: 255}),
	sender_localpart: v.string({min: 1, max: 255}),
	namespaces: v.object({users: v.optional(v.array(namespace, {max: PATTERNS_MAX}))}),
});

/**
 * Reads registration files of application services.
 * @param paths absolute, in the order of the configuration's `appservices`
 * @throws ConfigError with the key, the file, and what in it cannot be used
 */
export function readRegistrations(paths: readonly string[]): AppserviceRegistration[] {
	const seen = new Map<string, string>();
	return paths.map((path, index) => {
		const where = `appservices[${index}]: ${path}`;
		const {id, sender_localpart: senderLocalpart, namespaces} = readRegistration(where, path);
		const other = seen.get(id);
		if (other !== undefined) throw new ConfigError(`${where}: id: expected another than that of ${other}`);
		seen.set(id, path);
		const users = (namespaces.users ?? []).map(({exclusive, regex}, at) => ({
			isExclusive: exclusive,
			matches: compile(`${where}: namespaces.users[${at}].regex`, regex),
		}));
		return {id, senderLocalpart, users};
	});
}

function readRegistration(where: string, path: string): Infer<typeof registration> {
	let text: string;
	try {
		text = readFileSync(path, 'utf8');
	} catch (cause) {
		const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
		throw new ConfigError(`${where}: cannot be read (${why})`, {cause});
	}
	let document: unknown;
	try {
		document = parse(text, {maxAliasCount: 100});
	} catch {
		// The parser quotes lines of the file, which holds tokens.
		throw new ConfigError(`${where}: is not YAML`);
	}
	try {
		return registration.check(document, '');
	} catch (error) {
		if (!(error instanceof SchemaError)) throw error;
		const key = error.path === '' ? 'the file' : error.path;
		throw new ConfigError(`${where}: ${key}: expected ${error.expected}`, {cause: error});
	}
}

/**
 * Compiles a pattern to a matcher that never goes back over what it has read. It holds from the beginning of the name and
 * not to its end, as with the servers that services are written for.
 */
function compile(where: string, regex: string): UserNamespace['matches'] {
	let pattern: RE2JS;
	try {
		pattern = RE2JS.compile(regex);
	} catch (cause) {
		if (!(cause instanceof RE2JSException)) throw cause;
		throw new ConfigError(`${where}: expected a regular expression that RE2 knows: ${cause.message}`, {cause});
	}
	if (pattern.programSize() > PATTERN_STEPS_MAX) {
		throw new ConfigError(`${where}: expected a shorter pattern, with fewer repetitions`);
	}
	// Most names are told from a service's by their first letters, which costs next to nothing.
	const prefix = /^\^?([@\w]+)(?![\w@?*{|])/u.exec(regex)?.[1];
	const start = prefix === undefined || regex.includes('|') ? '' : prefix;
	return (userId) => userId.startsWith(start) && pattern.matcher(userId).lookingAt();
}
