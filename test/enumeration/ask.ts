/** Puts the questions of a probe to the server, as the one who asks. */
import {setTimeout as sleep} from 'node:timers/promises';
import {canonicalJson} from '../../crypto/index.ts';
import {COUNTED_HEADER, type Counts} from './counts.ts';
import {maskReply} from './mask.ts';
import type {Probe, Question} from './probe.ts';
import type {Subject} from './subjects.ts';
import {type Reply, Wire, type WireRequest} from './wire.ts';
import type {World} from './world.ts';

/** The answers to one probe about one subject. */
export interface Asked {
	readonly subject: Subject;
	readonly replies: readonly Reply[];
	/** All that can be seen of them, with the name left out. */
	readonly seen: string;
	/** Together. */
	readonly durationMs: number;
	/** What each has cost the server; absent where that is not counted. */
	readonly costs?: readonly Counts[];
}

/** Connections of the three who ask. */
export interface Lines {
	readonly client: Wire;
	readonly federation: Wire;
	close(): void;
}

/** Opens them. @param options `connections`: how many to each; `isFresh`: a new one for each request */
export function openLines({target}: World, options: {readonly connections: number; readonly isFresh?: boolean}): Lines {
	const client = new Wire(target.url, options);
	const federation = new Wire(target.federationUrl, {...options, ca: target.ca});
	return {
		client,
		federation,
		close() {
			client.close();
			federation.close();
		},
	};
}

/** Gives requests of a question that are ready to be sent: signing is not part of what is timed. */
function toRequest(
	{means}: World,
	asker: Probe['asker'],
	{method, uri, body, text, from, headers: own}: Question,
): WireRequest {
	if (asker === 'server') {
		const signed = text ?? (body === undefined ? undefined : canonicalJson(body));
		const authorization = means.peer.authorize(method, uri, {
			destination: means.serverName,
			...(signed !== undefined && {text: signed}),
		});
		return {method, uri, text: signed, headers: {authorization}};
	}
	const sent = text ?? (body === undefined ? undefined : JSON.stringify(body));
	const headers: Record<string, string> = {...own};
	if (asker === 'stranger') headers['authorization'] = `Bearer ${means.stranger.token}`;
	return {method, uri, text: sent, headers, from};
}

/** Makes the requests of a probe about a subject. */
export async function prepare(world: World, probe: Probe, subject: Subject): Promise<readonly WireRequest[]> {
	const made = await probe.ask(subject, world.means);
	const questions = Array.isArray(made) ? (made as readonly Question[]) : [made as Question];
	return questions.map((question) => toRequest(world, probe.asker, question));
}

/** Sends requests one after the other. */
export async function sendAll(
	lines: Lines,
	probe: Probe,
	subject: Subject,
	requests: readonly WireRequest[],
): Promise<Asked> {
	const wire = probe.asker === 'server' ? lines.federation : lines.client;
	const replies: Reply[] = [];
	for (const request of requests) replies.push(await sendPatiently(wire, request, probe.needsLimits === true));
	return {
		subject,
		replies,
		seen: replies.map((reply) => maskReply(reply, subject.name)).join('\n\n'),
		durationMs: replies.reduce((sum, {durationMs}) => sum + durationMs, 0),
	};
}

/** Times that a request is sent again which came too soon, and how long is waited at most: servers have limits that stay on. */
const TOO_SOON_MAX = 8;
const WAIT_MS_MAX = 3_000;

/** Sends a request until it is answered with something else than that it came too soon, unless that is the question. */
async function sendPatiently(wire: Wire, request: WireRequest, isAboutLimits: boolean): Promise<Reply> {
	for (let tries = 0; ; tries += 1) {
		const reply = await wire.send(request);
		if (reply.status !== 429 || isAboutLimits || tries === TOO_SOON_MAX) return reply;
		const waitMs = /"retry_after_ms":(\d+)/u.exec(reply.text)?.[1] ?? '500';
		await sleep(Math.min(Number(waitMs) + 10, WAIT_MS_MAX));
	}
}

/** Asks one probe about one subject, and has the work counted where it can be. */
export async function ask(world: World, lines: Lines, probe: Probe, subject: Subject): Promise<Asked> {
	const requests = await prepare(world, probe, subject);
	const {work} = world.target;
	if (work === undefined) return sendAll(lines, probe, subject, requests);
	const named = requests.map((request) => ({request, name: String(world.means.next())}));
	const asked = await sendAll(
		lines,
		probe,
		subject,
		named.map(({request, name}) => ({...request, headers: {...request.headers, [COUNTED_HEADER]: name}})),
	);
	return {...asked, costs: named.map(({name}) => work.take(name) ?? {hashes: 0, reads: 0, writes: 0})};
}
