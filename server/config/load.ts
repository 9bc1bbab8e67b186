import {existsSync, readFileSync} from 'node:fs';
import {dirname, resolve} from 'node:path';
import {parse} from 'yaml';
import {isJsonObject} from '../../crypto/index.ts';
import {type Schema, SchemaError} from '../validation/index.ts';
import {type Config, makeConfig} from './config.ts';
import {ConfigError} from './errors.ts';
import {documentSchema} from './schema.ts';

const environmentPrefix = 'BROADSHEET_';

/** The file that is read when none is named, if it is there. */
export const defaultConfigFile = 'homeserver.yaml';

/**
 * Reads the configuration: the named file, or `homeserver.yaml` of the current directory if there is one, or nothing
 * but defaults; then the environment.
 * @throws ConfigError with one message that names the file or variable and the key
 */
export function loadConfig(file: string | undefined, environment: NodeJS.ProcessEnv = process.env): Config {
	const name = file ?? (existsSync(defaultConfigFile) ? defaultConfigFile : undefined);
	const path = name === undefined ? undefined : resolve(name);
	const document = path === undefined ? {} : readDocument(path);
	applyEnvironment(document, environment);
	const where = path ?? 'The configuration';
	try {
		return makeConfig(documentSchema.check(document, ''), path === undefined ? process.cwd() : dirname(path));
	} catch (error) {
		if (error instanceof SchemaError) {
			throw new ConfigError(`${where}: ${describe(error)}`, {cause: error});
		}
		if (error instanceof ConfigError) {
			throw new ConfigError(`${where}: ${error.message}`, {cause: error});
		}
		throw error;
	}
}

function describe({code, path, expected}: SchemaError): string {
	const key = path === '' ? 'the file' : path;
	if (code === 'unknown-key') {
		return `${key}: unknown key, expected ${expected}`;
	}
	return code === 'missing' ? `${key}: missing, expected ${expected}` : `${key}: expected ${expected}`;
}

function readDocument(path: string): Record<string, unknown> {
	let text: string;
	try {
		text = readFileSync(path, 'utf8');
	} catch (cause) {
		const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
		throw new ConfigError(`${path}: cannot be read (${why})`, {cause});
	}
	let document: unknown;
	try {
		document = parse(text, {prettyErrors: true, maxAliasCount: 100}) ?? {};
	} catch (cause) {
		const firstLine = cause instanceof Error ? cause.message.split('\n', 1)[0] : '';
		throw new ConfigError(`${path}: is not YAML: ${firstLine}`, {cause});
	}
	if (!isJsonObject(document)) {
		throw new ConfigError(`${path}: expected keys and values`);
	}
	return document;
}

/** Puts `BROADSHEET_FEDERATION__MODE=off` where `federation: {mode: off}` would stand. */
function applyEnvironment(document: Record<string, unknown>, environment: NodeJS.ProcessEnv): void {
	for (const [name, text] of Object.entries(environment)) {
		if (!name.startsWith(environmentPrefix) || text === undefined) {
			continue;
		}
		const keys = name.slice(environmentPrefix.length).toLowerCase().split('__');
		const schema = findSchema(keys);
		if (schema === undefined) {
			throw new ConfigError(`${name}: no such key in the configuration (${keys.join('.')})`);
		}
		let target = document;
		for (const key of keys.slice(0, -1)) {
			const next = Object.hasOwn(target, key) ? target[key] : undefined;
			const object: Record<string, unknown> = isJsonObject(next) ? next : {};
			target[key] = object;
			target = object;
		}
		target[keys.at(-1)!] = readVariable(name, text, schema);
	}
}

function readVariable(name: string, text: string, schema: Schema<unknown>): unknown {
	let value: unknown;
	try {
		value = parse(text);
	} catch (cause) {
		value = text;
		if (schema.kind !== 'string') {
			throw new ConfigError(`${name}: is not YAML`, {cause});
		}
	}
	// A secret of digits is still text.
	return schema.kind === 'string' && value !== null ? text : value;
}

function findSchema(keys: readonly string[]): Schema<unknown> | undefined {
	let schema: Schema<unknown> | undefined = documentSchema;
	for (const key of keys) {
		const shape: Readonly<Record<string, Schema<unknown>>> | undefined = schema?.shape;
		if (shape === undefined || !Object.hasOwn(shape, key)) {
			return undefined;
		}
		schema = shape[key];
	}
	return schema;
}
