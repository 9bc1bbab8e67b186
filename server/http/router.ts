import {MatrixError} from './errors.ts';
import {readParameter} from './parameters.ts';
import type {Route} from './route.ts';

interface Leaf<Services> {
	readonly route: Route<Services>;
	/** Parameters of this path, in the order of their segments. */
	readonly names: readonly string[];
	/** Parameters that only another path of the route has. */
	readonly absent: readonly string[];
}

interface Node<Services> {
	readonly literals: Map<string, Node<Services>>;
	parameter: Node<Services> | undefined;
	readonly leaves: Map<string, Leaf<Services>>;
}

/** A route and the parameters that the path gives it. */
export interface Match<Services> {
	readonly route: Route<Services>;
	/**
	 * Reads what the path says; who may not call at all is told that and not what is wrong with it.
	 * @throws MatrixError M_INVALID_PARAM
	 */
	readonly readParameters: () => Readonly<Record<string, string>>;
}

/** Longest path that is looked at, in segments; the longest route has fewer. */
const segmentsMax = 32;

/**
 * Finds routes by walking the segments of the raw path down a tree: case and trailing slashes count, a literal segment
 * wins over a parameter, and a parameter is decoded only when its route is known.
 */
export class Router<Services> {
	readonly #root: Node<Services> = makeNode();

	/** @throws Error when two routes have the same method and path */
	constructor(routes: Iterable<Route<Services>>) {
		for (const route of routes) {
			for (const path of [route.path, ...route.alsoAt].flatMap(withOldName)) {
				this.#add(path, route);
			}
		}
	}

	/**
	 * Finds the route of a request.
	 * @param path the raw path, without the query
	 * @throws MatrixError M_UNRECOGNIZED with 404 for unknown paths and 405 for methods a path has not
	 */
	find(method: string, path: string): Match<Services> {
		const segments = path.split('/', segmentsMax + 1);
		const values: string[] = [];
		const node = segments.length > segmentsMax ? undefined : walk(this.#root, segments, 1, values);
		if (node === undefined) {
			throw new MatrixError('M_UNRECOGNIZED', 'Unrecognized request');
		}
		const leaf = node.leaves.get(method === 'HEAD' ? 'GET' : method);
		if (leaf === undefined) {
			throw new MatrixError('M_UNRECOGNIZED', 'Unrecognized request', {
				status: 405,
				headers: {allow: [...node.leaves.keys(), 'OPTIONS'].join(', ')},
			});
		}
		const {route, names, absent} = leaf;
		return {
			route,
			readParameters() {
				const parameters: Record<string, string> = {};
				for (let index = 0; index < names.length; index++) {
					const name = names[index]!;
					parameters[name] = readParameter(name, values[index]!);
				}
				for (const name of absent) {
					parameters[name] = '';
				}
				return parameters;
			},
		};
	}

	#add(path: string, route: Route<Services>): void {
		const names = listNames(path);
		let node = this.#root;
		for (const segment of path.split('/').slice(1)) {
			if (segment.startsWith(':')) {
				node.parameter ??= makeNode();
				node = node.parameter;
			} else {
				let next = node.literals.get(segment);
				if (next === undefined) {
					next = makeNode();
					node.literals.set(segment, next);
				}
				node = next;
			}
		}
		const other = node.leaves.get(route.method);
		if (other !== undefined) {
			throw new Error(`Routes ${other.route.id} and ${route.id} are both ${route.method} ${path}`);
		}
		const absent = listNames(route.path).filter((name) => !names.includes(name));
		node.leaves.set(route.method, {route, names, absent});
	}
}

/**
 * Version 3 of an endpoint is what r0 was; tools that were made before 2021 and Complement's tests still ask by that name.
 * @see https://spec.matrix.org/v1.1/changelog/#client-server-api
 */
function withOldName(path: string): string[] {
	const old = path.replace(/^(\/_matrix\/(?:client|media))\/v3\//u, '$1/r0/');
	return old === path ? [path] : [path, old];
}

function listNames(path: string): string[] {
	return path
		.split('/')
		.filter((segment) => segment.startsWith(':'))
		.map((segment) => segment.slice(1));
}

function makeNode<Services>(): Node<Services> {
	return {literals: new Map(), parameter: undefined, leaves: new Map()};
}

/** The node at the end of the segments that has routes; `values` then holds what stood for its parameters. */
function walk<Services>(
	node: Node<Services>,
	segments: readonly string[],
	index: number,
	values: string[],
): Node<Services> | undefined {
	if (index === segments.length) {
		return node.leaves.size > 0 ? node : undefined;
	}
	const segment = segments[index]!;
	const literal = node.literals.get(segment);
	if (literal !== undefined) {
		const found = walk(literal, segments, index + 1, values);
		if (found !== undefined) {
			return found;
		}
	}
	if (node.parameter === undefined || segment === '') {
		return undefined;
	}
	const length = values.length;
	values.push(segment);
	const found = walk(node.parameter, segments, index + 1, values);
	if (found === undefined) {
		values.length = length;
	}
	return found;
}
