import {type JsonObject, type JsonValue, parseServerName, type ServerName} from '../../crypto/index.ts';
import {type Glob, matchesGlob, parseGlob} from './glob.ts';
import type {Pdu} from './pdu.ts';

/** Which servers a room lets in, ready to be asked. */
interface ServerAcl {
	readonly allowIpLiterals: boolean;
	readonly allow: ServerPatterns;
	readonly deny: ServerPatterns;
	/** Answers given, by host in lower case, since one list is asked about the same servers again and again. */
	readonly answers: Map<string, boolean>;
}

/** Servers remembered for one list; beyond that all are forgotten. */
const answersMax = 2_000;

/** A list of patterns; those without wildcards, usually nearly all, are looked up at once. */
interface ServerPatterns {
	readonly exact: ReadonlySet<string>;
	readonly globs: readonly Glob[];
}

const cache = new WeakMap<Pdu, ServerAcl>();

/** Gives the list that an `m.room.server_acl` event sets; parsed once for each event. */
function serverAclOf(event: Pdu): ServerAcl {
	let acl = cache.get(event);
	if (acl === undefined) {
		acl = parseServerAcl(event.content);
		cache.set(event, acl);
	}
	return acl;
}

/** Reads the content of `m.room.server_acl`; what is not of the right type counts as absent. */
function parseServerAcl(content: JsonObject): ServerAcl {
	return {
		allowIpLiterals: content['allow_ip_literals'] !== false,
		allow: parsePatterns(content['allow']),
		deny: parsePatterns(content['deny']),
		answers: new Map(),
	};
}

function parsePatterns(value: JsonValue | undefined): ServerPatterns {
	const exact = new Set<string>();
	const globs: Glob[] = [];
	for (const pattern of Array.isArray(value) ? value : []) {
		if (typeof pattern !== 'string') continue;
		const lowered = lowerAscii(pattern);
		if (lowered.includes('*') || lowered.includes('?')) globs.push(parseGlob(lowered));
		else exact.add(lowered);
	}
	return {exact, globs};
}

/**
 * Tells whether a server may take part in a room, given the room's `m.room.server_acl` event, if any. Case and port do
 * not matter; a name that is none is refused.
 * @see https://spec.matrix.org/v1.19/client-server-api/#mroomserver_acl
 */
export function isServerAllowed(event: Pdu | undefined, serverName: ServerName | string): boolean {
	// 1: If there is no m.room.server_acl event in the room state, allow.
	if (event === undefined) return true;
	const address = parseServerName(serverName);
	if (address === undefined) return false;
	const acl = serverAclOf(event);
	// 2: If the server name is an IP address (v4 or v6) literal, and allow_ip_literals is present and false, deny.
	if (address.kind !== 'dns' && !acl.allowIpLiterals) return false;
	const host = lowerAscii(address.kind === 'ipv6' ? `[${address.host}]` : address.host);
	const known = acl.answers.get(host);
	if (known !== undefined) return known;
	// 3: If the server name matches an entry in the deny list, deny. 4: If it matches an entry in the allow list, allow.
	// 5: Otherwise, deny.
	const isAllowed = !matchesAny(acl.deny, host) && matchesAny(acl.allow, host);
	if (acl.answers.size >= answersMax) acl.answers.clear();
	acl.answers.set(host, isAllowed);
	return isAllowed;
}

function matchesAny({exact, globs}: ServerPatterns, host: string): boolean {
	return exact.has(host) || globs.some((glob) => matchesGlob(glob, host));
}

/** Lower-cases A to Z only: `toLowerCase` would turn the Kelvin sign into `k`. */
function lowerAscii(text: string): string {
	return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
