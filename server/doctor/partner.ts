import {isServerName, type ServerName} from '../../crypto/index.ts';
import {RemoteError} from '../../federation/outbound/index.ts';
import type {Config} from '../config/index.ts';
import {explain, type Finding, findingsOf} from './finding.ts';
import type {Outside} from './outside.ts';

const LIMITS = {timeoutMs: 20_000, responseBytesMax: 65_536} as const;
/** A clock that is off by as much makes names and times of messages look odd. */
const CLOCK_WARNING_MS = 15_000;
/** By as much, signatures and certificates of others may be taken for expired. */
const CLOCK_BAD_MS = 300_000;

/** Chooses whom to ask: who was named, a partner of the configuration, or a server that was heard of last. */
function choosePartner(
	{serverName, federation}: Config,
	named: string | undefined,
	recentServers: readonly string[],
): ServerName | undefined {
	const known = federation.mode === 'partners' ? federation.partners : recentServers;
	const candidates = named === undefined ? known : [named];
	return candidates.filter((name) => isServerName(name)).find((name) => name !== serverName);
}

/**
 * Asks a partner something in both directions: it answers, and it takes our signature, for which it must have got our keys
 * from us.
 */
export async function examinePartner(
	config: Config,
	outside: Outside,
	{
		named,
		recentServers,
		nowTs,
	}: {readonly named: string | undefined; readonly recentServers: readonly string[]; readonly nowTs: () => number},
): Promise<Finding[]> {
	const {good, warning, bad, skipped} = findingsOf('partner');
	const partner = choosePartner(config, named, recentServers);
	if (partner === undefined) return [skipped('no other server is known: name one with --partner')];
	const findings: Finding[] = [];
	try {
		const {headers} = await outside.client.request({
			destination: partner,
			method: 'GET',
			path: '/_matrix/federation/v1/version',
			sign: false,
			limits: LIMITS,
		});
		findings.push(good(`${partner} is reached from here`), judgeClock(partner, headers['date'], nowTs()));
	} catch (error) {
		return [
			bad(
				`${partner}: ${explain(error)}`,
				'nothing, if it is known to be down; else see why this server cannot reach it',
			),
		];
	}
	try {
		await outside.client.request({
			destination: partner,
			method: 'GET',
			path: '/_matrix/federation/v1/query/directory',
			// Nobody has such an alias: it is who asks that is to be looked at.
			query: {room_alias: `#broadsheet-doctor:${partner}`},
			limits: LIMITS,
		});
		return [...findings, good(`${partner} takes what this server signs`)];
	} catch (error) {
		if (!(error instanceof RemoteError)) return [...findings, bad(`${partner}: ${explain(error)}`, 'try again')];
		if (error.status === 401) {
			const advice =
				'it cannot get this server’s keys, or has other ones: see to the checks before, from outside of this network too';
			return [...findings, bad(`${partner} does not take what this server signs`, advice)];
		}
		if (error.status === 403) {
			return [
				...findings,
				warning(`${partner} does not federate with this server`, 'ask its administrators to list it'),
			];
		}
		if (error.status === 429 || error.status >= 500) {
			return [...findings, warning(`${partner} answers a signed request with ${error.status}`, 'try again later')];
		}
		// It knows no such alias, which it says to servers that it knows by their keys.
		return [...findings, good(`${partner} takes what this server signs`)];
	}
}

function judgeClock(partner: ServerName, date: string | undefined, nowTs: number): Finding {
	const {good, warning, bad, skipped} = findingsOf('clock');
	const theirs = Date.parse(date ?? '');
	if (Number.isNaN(theirs)) return skipped(`${partner} does not say what time it has`);
	// The header has whole seconds.
	const seconds = Math.round((nowTs - theirs) / 1000);
	const text = `it differs from that of ${partner} by ${Math.abs(seconds)} s`;
	const advice = 'set the clock by NTP, unless it is the other one that is wrong';
	if (Math.abs(seconds) * 1000 > CLOCK_BAD_MS) return bad(text, advice);
	return Math.abs(seconds) * 1000 > CLOCK_WARNING_MS ? warning(text, advice) : good(text);
}
