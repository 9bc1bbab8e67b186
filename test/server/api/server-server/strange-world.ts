/** A server with people of every kind, and a strange one that asks about them and about those who do not exist. */
import type {ExecutionContext} from 'ava';
import type {JsonObject, JsonValue} from '../../../../crypto/index.ts';
import {
	call,
	createCrossSigningKeys,
	createTestDevice,
	login,
	passwordOf,
	path,
	register,
	type Session,
} from '../../../harness/index.ts';
import {createSeededRandom} from '../../../harness/seeded-random.ts';
import {type Host, startHost} from './world.ts';

/** One question of another server. */
export interface Question {
	readonly method: string;
	readonly uri: string;
	readonly body?: JsonValue;
}

/** Names of each kind that are asked about. */
const NAMES = 20;

export interface StrangeWorld extends Host {
	/** People who exist in every way there is, by what they are. */
	readonly people: Readonly<Record<string, string>>;
	/** As many who do not exist, with names of the same form. */
	readonly nobodies: readonly string[];
}

/** Starts a server that has people with keys and without, shut out in every way, and none of them known to the peer. */
export async function startStrange(
	t: ExecutionContext,
	configure?: Parameters<typeof startHost>[2],
): Promise<StrangeWorld> {
	const host = await startHost(t, 1, configure);
	const {app, alice} = host;
	const people: Record<string, string> = {'somebody with a room': alice.user_id};
	for (let index = 0; index < NAMES; index += 1) {
		const session = await register(app, `ua${String(index).padStart(3, '0')}`);
		if (index % 2 === 0) await uploadKeys(host, session);
		people[`person ${index}`] = session.user_id;
	}
	Object.assign(people, await shutOut(host));
	const nobodies = Array.from(
		{length: NAMES},
		(_, index) => `@ub${String(index).padStart(3, '0')}:${alice.user_id.split(':')[1]!}`,
	);
	return {...host, people, nobodies: [...nobodies, '@UB000:news.example', '@ü:news.example', '@:news.example']};
}

async function uploadKeys({app}: Host, session: Session): Promise<void> {
	const device = createTestDevice(session);
	const {body} = createCrossSigningKeys(session.user_id, device);
	const token = session.access_token;
	const uploaded = {device_keys: device.deviceKeys, one_time_keys: device.oneTimeKeys('A', 'B')};
	await call(app, 'POST', '/_matrix/client/v3/keys/upload', {token, body: uploaded});
	await call(app, 'POST', '/_matrix/client/v3/keys/device_signing/upload', {token, body});
	const at = `/_matrix/client/v3/profile/${path(session.user_id)}/displayname`;
	await call(app, 'PUT', at, {token, body: {displayname: 'A name'}});
}

/** People who are shut out, or shut others out, each in one way. */
async function shutOut(host: Host): Promise<Record<string, string>> {
	const {app} = host;
	const {accounts, moderation} = app.application.services;
	const root = '@root:news.example' as never;
	await accounts.register({userId: root, password: passwordOf('root'), isAdmin: true});
	const made: Record<string, string> = {'an administrator': root};
	for (const name of ['locked', 'suspended', 'deactivated', 'without devices', 'who takes no invites']) {
		const session = await register(app, `uc${String(Object.keys(made).length).padStart(3, '0')}`);
		await uploadKeys(host, session);
		made[name] = session.user_id;
		const {access_token: token, user_id: userId} = session;
		if (name === 'locked' || name === 'suspended') {
			await moderation.set(root, userId as never, name === 'locked' ? 'isLocked' : 'isSuspended', true);
		}
		if (name === 'without devices') await call(app, 'POST', '/_matrix/client/v3/logout/all', {token, body: {}});
		if (name === 'who takes no invites') {
			const at = `/_matrix/client/v3/user/${path(userId)}/account_data/m.invite_permission_config`;
			await call(app, 'PUT', at, {token, body: {default_action: 'block'}});
		}
		if (name === 'deactivated') {
			const auth = {
				type: 'm.login.password',
				identifier: {type: 'm.id.user', user: userId},
				password: passwordOf(userId.slice(1).split(':')[0]!),
			};
			await call(app, 'POST', '/_matrix/client/v3/account/deactivate', {token, body: {auth}});
		}
	}
	await login(app, 'root');
	return made;
}

/** An answer in all that can be seen of it, with the name that was asked for left out. */
export interface Seen {
	readonly status: number;
	readonly headers: JsonObject;
	readonly text: string;
}

/** Asks as the peer. */
export async function look({peer}: Pick<Host, 'peer'>, {method, uri, body}: Question, name: string): Promise<Seen> {
	const answer = await peer.request(method, uri, {body});
	const headers = Object.fromEntries([...answer.headers].filter(([header]) => header !== 'date'));
	// A longer name makes a longer answer, where an answer holds it.
	if (answer.text.includes(name)) delete headers['content-length'];
	return {status: answer.status, headers, text: answer.text.replaceAll(name, 'NAME')};
}

/** Asks the same of many names in a random order; gives all answers that differ, with a name for each. */
export async function listAnswers(
	host: Pick<Host, 'peer'>,
	names: readonly string[],
	questionOf: (name: string) => Question,
): Promise<Map<string, string>> {
	const answers = new Map<string, string>();
	for (const name of createSeededRandom('strangers').shuffle(names)) {
		const seen = JSON.stringify(await look(host, questionOf(name), name));
		if (!answers.has(seen)) answers.set(seen, name);
	}
	return answers;
}
