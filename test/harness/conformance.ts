/** Every answer that a test gets over HTTP is held against the specification's own schemas, without being asked. */
import {Ajv2020, type ValidateFunction} from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import {nameOf, noteAnswer} from './conformance-coverage.ts';
import {readShared} from './shared.ts';

/** Parameters of proposals that have an endpoint answer something else. */
const foreignParameters = /[?&]org\.matrix\.msc4140\.delay=/u;

/** An empty answer is what clients know as no relay; the schema has no word for that. */
const emptyAnswers: ReadonlySet<string> = new Set(['/_matrix/client/v3/voip/turnServer']);

/** Formats of the specification that are patterns elsewhere in its schemas, or say how wide a number is. */
const namedFormats = [
	'byte',
	'binary',
	'double',
	'float',
	'int64',
	'mx-event-id',
	'mx-mxc-uri',
	'mx-room-alias',
	'mx-room-id',
	'mx-server-name',
	'mx-unpadded-base64',
	'mx-unpadded-base64-urlsafe',
	'mx-user-id',
];

interface Response {
	readonly content?: Readonly<Record<string, unknown>>;
	/** By their names. */
	readonly headers?: Readonly<Record<string, unknown>>;
}

interface Operation {
	readonly responses?: Readonly<Record<string, Response>>;
}

interface Api {
	readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Endpoint {
	readonly pattern: RegExp;
	readonly method: string;
	/** Its place in the document, as coverage names it. */
	readonly name: string;
	readonly operation: Operation;
	/** From the document's root to the operation. */
	readonly pointer: string;
}

interface Checks {
	body(method: string, path: string, status: number, body: unknown): void;
	headers(method: string, path: string, status: number, headers: Headers): void;
}

let checks: Checks | undefined;

/**
 * Holds a JSON answer against the schema that the specification gives for its operation and status; where it gives none,
 * an error must at least have the standard form. Does nothing for paths that are not the specification's, or where
 * `../shared` is not there.
 * @throws naming what is wrong
 */
export function checkConformance(method: string, path: string, status: number, body: unknown): void {
	checks ??= createChecks();
	checks.body(method, path, status, body);
}

/**
 * Holds an answer that is no JSON, a redirect or a file, against what the specification gives for its operation and
 * status: each header that it names must be there. Statuses of HTTP that it does not name are nobody's business.
 * @throws naming what is wrong
 */
export function checkHeaders(method: string, path: string, status: number, headers: Headers): void {
	checks ??= createChecks();
	checks.headers(method, path, status, headers);
}

function createChecks(): Checks {
	const apis = ['client-server', 'server-server'].map((name) => ({
		name,
		text: readShared(`spec/openapi/${name}.json`),
	}));
	const ajv = new Ajv2020({strict: false, allErrors: true, schemas: [], meta: false, validateSchema: false});
	formats.default(ajv);
	for (const format of namedFormats) ajv.addFormat(format, true);
	const endpoints: Endpoint[] = [];
	for (const {name, text} of apis) {
		if (text === undefined) return {body: () => undefined, headers: () => undefined};
		// Alternatives overlap there: the event of `GET /state/…?format=event` is also the object that a content is.
		const api = JSON.parse(text.toString('utf8').replaceAll('"oneOf":', '"anyOf":')) as Api;
		// The document is no JSON Schema itself; its parts are.
		ajv.addSchema(api, name, false, false);
		endpoints.push(...listEndpoints(name, api));
	}
	return {body: createBodyCheck(ajv, endpoints), headers: createHeadersCheck(endpoints)};
}

function findEndpoint(endpoints: readonly Endpoint[], method: string, plain: string): Endpoint | undefined {
	return endpoints.find((it) => it.method === method && it.pattern.test(plain));
}

function createHeadersCheck(endpoints: readonly Endpoint[]): Checks['headers'] {
	return (method, path, status, headers) => {
		const [plain = ''] = path.split('?');
		const endpoint = findEndpoint(endpoints, method, plain);
		const response = endpoint?.operation.responses?.[status];
		if (endpoint === undefined || response === undefined) return;
		for (const name of Object.keys(response.headers ?? {})) {
			if (!headers.has(name)) throw new Error(`${method} ${plain} ${status} breaks the specification: no ${name}`);
		}
		noteAnswer(endpoint.name, status);
	};
}

function createBodyCheck(ajv: Ajv2020, endpoints: readonly Endpoint[]): Checks['body'] {
	const validators = new Map<string, ValidateFunction>();
	return (method, path, status, body) => {
		const [plain = ''] = path.split('?');
		const endpoint = findEndpoint(endpoints, method, plain);
		if (endpoint === undefined || foreignParameters.test(path)) return;
		noteAnswer(endpoint.name, status);
		if (emptyAnswers.has(plain) && status === 200 && Object.keys(body as object).length === 0) return;
		// Common error codes may come from any endpoint, in the standard form.
		if (status >= 400 && isStandardError(body)) return;
		const response = endpoint.operation.responses?.[status];
		if (response?.content?.['application/json'] === undefined) {
			// Operations that sometimes ask for authentication do not all list its answer.
			if (status >= 400 && !isChallenge(status, body))
				throw new Error(`${method} ${plain} ${status} breaks the specification: expected an error`);
			return;
		}
		const pointer = `${endpoint.pointer}/responses/${status}/content/application~1json/schema`;
		const validate = validators.get(pointer) ?? ajv.compile({$ref: pointer});
		validators.set(pointer, validate);
		if (!validate(body)) {
			throw new Error(`${method} ${plain} ${status} breaks the specification: ${ajv.errorsText(validate.errors)}`);
		}
	};
}

function listEndpoints(name: string, {paths}: Api): Endpoint[] {
	const found = Object.entries(paths).flatMap(([path, operations]) =>
		Object.entries(operations).map(([method, operation]) => {
			const pointer = `${name}#/paths/${path.replaceAll('~', '~0').replaceAll('/', '~1')}/${method}`;
			return {
				path,
				endpoint: {
					pattern: patternOf(path),
					method: method.toUpperCase(),
					name: nameOf(name, method, path),
					operation,
					pointer,
				},
			};
		}),
	);
	// A path without parameters goes before one that would match it too.
	const countOf = (path: string) => path.split('{').length;
	return found.toSorted((a, b) => countOf(a.path) - countOf(b.path)).map(({endpoint}) => endpoint);
}

function patternOf(path: string): RegExp {
	const segments = path.split('/').map((segment) => {
		if (!segment.startsWith('{')) return segment.replaceAll(/[.$+]/gu, String.raw`\$&`);
		// A state key may be empty, and its slash be left out.
		return segment === '{stateKey}' ? '[^/]*' : '[^/]+';
	});
	return new RegExp(`^${segments.join('/').replace(/\/\[\^\/\]\*$/u, '(?:/[^/]*)?')}$`, 'u');
}

function isStandardError(body: unknown): boolean {
	const {errcode, error} = body as {readonly errcode?: unknown; readonly error?: unknown};
	return typeof errcode === 'string' && typeof error === 'string';
}

function isChallenge(status: number, body: unknown): boolean {
	const {flows, session} = body as {readonly flows?: unknown; readonly session?: unknown};
	return status === 401 && Array.isArray(flows) && typeof session === 'string';
}
