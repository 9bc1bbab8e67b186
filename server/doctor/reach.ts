import {isIP} from 'node:net';
import {encodeBase64, isJsonObject, type JsonValue, parseServerName, type SigningKey} from '../../crypto/index.ts';
import {readKeyDocument, type Route} from '../../federation/outbound/index.ts';
import type {Config} from '../config/index.ts';
import {explain, type Finding, findingsOf, judgeEnd} from './finding.ts';
import type {Outside} from './outside.ts';

/** Looks whether clients find the server where it says that it is. */
export async function examineClientAccess({publicUrl}: Config, outside: Outside): Promise<Finding[]> {
	const {good, bad} = findingsOf('client access');
	const url = new URL(`${publicUrl}/_matrix/client/versions`);
	const advice = 'start the server, and see to it that public_url leads to its client listener';
	try {
		const {status, body} = await outside.get(url);
		const isServer = status === 200 && isJsonObject(body) && Array.isArray(body['versions']);
		return [
			isServer
				? good(`clients are answered at ${publicUrl}`)
				: bad(`${url.href} answers ${status} and no versions`, advice),
		];
	} catch (error) {
		return [bad(`${url.href}: ${explain(error)}`, advice)];
	}
}

const fieldOf = (body: JsonValue | undefined, ...path: readonly string[]): JsonValue | undefined =>
	path.reduce<JsonValue | undefined>((value, key) => (isJsonObject(value) ? value[key] : undefined), body);

/** Looks whether clients and servers that know the name alone are told where the server is. */
export async function examineWellKnown(config: Config, outside: Outside): Promise<Finding[]> {
	const {good, bad, skipped, warning} = findingsOf('well-known');
	const {serverName, publicUrl, federationAddress, federation} = config;
	const {host, kind, port} = parseServerName(serverName)!;
	if (kind !== 'dns' || host === 'localhost') {
		return [skipped(`${host} is a name that nobody looks up`)];
	}
	const findings: Finding[] = [];
	const ask = async (whom: 'client' | 'server', wanted: string, path: readonly string[], isNeeded: boolean) => {
		const url = new URL(`https://${host}/.well-known/matrix/${whom}`);
		const advice = `have ${url.href} answered by a listener that serves well-known, or by a file that says ${wanted}`;
		try {
			const {status, body} = await outside.get(url);
			const said = status === 200 ? fieldOf(body, ...path) : undefined;
			if (said === wanted) findings.push(good(`${whom}s are sent to ${wanted}`));
			else if (said !== undefined)
				findings.push(bad(`${whom}s are sent to ${JSON.stringify(said)}, not to ${wanted}`, advice));
			else
				findings.push(
					(isNeeded ? bad : warning)(`${url.href} answers ${status}, and not with ${path.join('.')}`, advice),
				);
		} catch (error) {
			findings.push((isNeeded ? bad : warning)(`${url.href}: ${explain(error)}`, advice));
		}
	};
	await ask('client', publicUrl, ['m.homeserver', 'base_url'], false);
	// A name with a port says all that servers need.
	if (federationAddress !== undefined && port === undefined && federation.mode !== 'off') {
		await ask('server', federationAddress, ['m.server'], true);
	}
	return findings;
}

/** Looks how other servers find this one: by which addresses, and with which certificate. */
export async function examineRoute(config: Config, outside: Outside, nowTs: number): Promise<Finding[]> {
	const {serverName} = config;
	let route: Route;
	try {
		route = await outside.findRoute(serverName);
	} catch (error) {
		return [findingsOf('dns').bad(explain(error), `give ${serverName} an address, or say in .well-known where it is`)];
	}
	return [...(await examineAddresses(route, outside)), await examineTls(route, outside, nowTs)];
}

async function examineAddresses({targets}: Route, outside: Outside): Promise<Finding[]> {
	const {good, warning, bad} = findingsOf('dns');
	return Promise.all(
		targets.map(async ({host, port}) => {
			const advice = `give ${host} an A or AAAA record`;
			try {
				const addresses = isIP(host) === 0 ? await outside.resolve(host) : [host];
				if (addresses.length === 0) return bad(`${host} has no address`, advice);
				const text = `servers find this one at ${host} port ${port}, that is ${addresses.join(' or ')}`;
				return addresses.some((address) => outside.isPublic(address))
					? good(text)
					: warning(text, 'nothing, if only servers in this network are to find it; else give it a public address');
			} catch (error) {
				return bad(`${host}: ${explain(error)}`, advice);
			}
		}),
	);
}

async function examineTls(route: Route, outside: Outside, nowTs: number): Promise<Finding> {
	const {certificateName, targets} = route;
	try {
		return judgeEnd('tls', certificateName, await outside.findCertificateEnd(route), nowTs);
	} catch (error) {
		const ports = targets.map(({port}) => port).join(' or ');
		return findingsOf('tls').bad(
			`no trusted connection to ${certificateName} at port ${ports}: ${explain(error)}`,
			`have a listener that serves federation reached there, with a certificate for ${certificateName} from an authority that partners trust`,
		);
	}
}

/** Looks whether what other servers are shown of this one's keys are its keys. */
export async function examinePublishedKeys(
	{serverName}: Config,
	keys: readonly SigningKey[],
	outside: Outside,
	nowTs: number,
): Promise<Finding> {
	const {good, bad} = findingsOf('published keys');
	try {
		const published = readKeyDocument(await outside.fetchKeys(serverName), serverName, nowTs);
		if (published === undefined)
			return bad('the answer is not signed by this server', 'see which server answers there');
		const missing = keys.filter(
			({keyId, publicKey}) =>
				!published.some((key) => key.keyId === keyId && encodeBase64(key.publicKey) === encodeBase64(publicKey)),
		);
		if (missing.length > 0) {
			const names = missing.map(({keyId}) => keyId).join();
			return bad(
				`${names} is not published`,
				'restart the server if its key was changed; else see which server answers there',
			);
		}
		return good(`servers are shown ${published.length} keys, those of this server`);
	} catch (error) {
		return bad(explain(error), 'have a listener that serves federation reached under the name of this server');
	}
}
