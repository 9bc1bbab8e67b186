/** Fills a server with people of every class, their rooms, aliases and files, by requests that any server takes. */
import {createHmac} from 'node:crypto';
import {localpartOf, type UserId} from '../../crypto/index.ts';
import {
	type ClientTarget,
	call,
	createCrossSigningKeys,
	createTestDevice,
	path,
	request,
	type SeededRandom,
	type Session,
} from '../harness/index.ts';
import {SERVICE_PREFIX} from './service.ts';
import {countOf, createNames, type Fate, PERSON_CLASSES, type PersonClass, type Subject} from './subjects.ts';
import type {Target} from './target.ts';

const V3 = '/_matrix/client/v3';

/** Everything that is asked about, and who lives with it. */
export interface Population {
	readonly subjects: readonly Subject[];
	/** Somebody with an account and a room of their own, whom nobody knows. */
	readonly stranger: Session;
	/** Somebody in all the closed rooms. */
	readonly host: Session;
	/** Of the server under test. */
	readonly serverName: string;
}

/** The password of everybody whom a population has. */
const PASSWORD = 'pw-Enumeration-Zq7!';

/** Registers an account by the shared secret, which works whatever registration is set to. */
async function registerBySecret(target: Target, username: string, isAdmin = false): Promise<Session> {
	const at = '/_synapse/admin/v1/register';
	const {nonce} = await call<{nonce: string}>(target, 'GET', at);
	const mac = createHmac('sha1', target.sharedSecret)
		.update([nonce, username, PASSWORD, isAdmin ? 'admin' : 'notadmin'].join('\0'))
		.digest('hex');
	return call<Session>(target, 'POST', at, {body: {nonce, username, password: PASSWORD, admin: isAdmin, mac}});
}

/** Makes all of it. @param samples names of each side, here and not here */
export async function populate(target: Target, samples: number, random: SeededRandom): Promise<Population> {
	const nameOf = createNames(random);
	const root = await registerBySecret(target, nameOf(), true);
	const stranger = await registerBySecret(target, nameOf());
	const serverName = root.user_id.slice(root.user_id.indexOf(':') + 1);
	const host = await registerBySecret(target, nameOf());
	const subjects: Subject[] = [];
	for (const personClass of PERSON_CLASSES) {
		const {fate, form, name} = personClass;
		if ((fate === 'bridge' || fate === 'source') && target.app === undefined) continue;
		for (let index = 0; index < countOf(personClass, samples); index += 1) {
			const localpart = nameOf(form);
			if (fate !== undefined) await makePerson(target, root, localpart, personClass);
			const userId = `@${localpart}:${serverName}` as UserId;
			if (fate !== undefined && fate !== 'deactivate' && fate !== 'erase') await giveAddress(target, userId);
			subjects.push({kind: 'person', class: name, isHere: fate !== undefined, name: userId});
		}
	}
	subjects.push(...(await makeRooms(target, host, samples, random)));
	subjects.push(...(await makeFiles(target, host, samples, random)));
	subjects.push(...OTHER_PROGRAMS.map((name) => toPath(name, true)));
	for (let index = 0; index < OTHER_PROGRAMS.length; index += 1) subjects.push(toPath(`/${newId(random, 20)}`, false));
	subjects.push(...(await makeTokens(target, samples, random)));
	return {subjects, stranger, host, serverName};
}

/** Gives somebody an address, which no single request does. */
async function giveAddress({app}: Target, userId: UserId): Promise<void> {
	if (app === undefined) return;
	const {storage} = app.application;
	const address = `${localpartOf(userId)}@mail.example`;
	const batch = storage.batch();
	storage.mailAddresses.set(batch, {userId, address, canonical: address, language: 'en', addedDay: 1});
	await storage.commit(batch);
}

/** Paths by which others tell which program, and which version of it, they are. */
const OTHER_PROGRAMS = [
	'/_synapse/admin/v1/server_version',
	'/_synapse/admin/v2/users',
	'/_synapse/client/unread_counts',
	'/_dendrite/admin/registrationTokens',
	'/_conduwuit/server_version',
	'/_tuwunel/server_version',
	'/_matrix/client/unstable/server_version',
	'/version',
];

const toPath = (name: string, isHere: boolean): Subject => ({
	kind: 'path',
	class: isHere ? 'a path of another program' : 'a path of none',
	isHere,
	name,
});

/** Registration tokens, which no request makes; and as many that are none. */
async function makeTokens({app}: Target, samples: number, random: SeededRandom): Promise<Subject[]> {
	if (app === undefined) return [];
	const subjects: Subject[] = [];
	for (let index = 0; index < Math.min(TOKENS_MAX, samples); index += 1) {
		const token = {name: `token ${index}`, usesAllowed: null, expiresTs: null, makesAdmin: false};
		const name = await app.application.services.accounts.createRegistrationToken(token);
		subjects.push({kind: 'token', class: 'a token', isHere: true, name});
		subjects.push({kind: 'token', class: 'none', isHere: false, name: newId(random, name.length)});
	}
	return subjects;
}

async function makePerson(
	target: Target,
	root: Session,
	localpart: string,
	{fate = 'nothing', hasPublished}: PersonClass,
): Promise<void> {
	const session = await registerBySecret(target, localpart, fate === 'makeAdministrator');
	if (hasPublished === true) await publish(target, session);
	await FATES[fate](target, session, root);
}

/** Uploads keys, gives a displayname, and makes a room that nobody else is in. */
async function publish(target: ClientTarget, session: Session): Promise<void> {
	const token = session.access_token;
	const device = createTestDevice(session);
	const uploaded = {device_keys: device.deviceKeys, one_time_keys: device.oneTimeKeys('A', 'B')};
	await call(target, 'POST', `${V3}/keys/upload`, {token, body: uploaded});
	const {body} = createCrossSigningKeys(session.user_id, device);
	await request(target, 'POST', `${V3}/keys/device_signing/upload`, {token, body});
	const at = `${V3}/profile/${path(session.user_id)}/displayname`;
	await call(target, 'PUT', at, {token, body: {displayname: 'A name of somebody'}});
	await call(target, 'POST', `${V3}/createRoom`, {token, body: {preset: 'private_chat'}});
}

type Change = (target: Target, session: Session, root: Session) => Promise<unknown>;

const FATES: Readonly<Record<Fate, Change>> = {
	nothing: async () => {},
	makeAdministrator: async () => {},
	bridge: async ({app}, session) => {
		const {storage} = app!.application;
		const userId = session.user_id as UserId;
		const batch = storage.batch();
		storage.accounts.setAppservice(batch, {userId, appserviceId: 'bridge'});
		batch.announce({kind: 'account', subject: userId});
		await storage.commit(batch);
	},
	source: async ({app}, session, root) => {
		const {storage} = app!.application;
		const [userId, owner] = [session.user_id as UserId, root.user_id as UserId];
		const [room] = await storage.memberships.listOfUser(userId, ['join']);
		if (room === undefined) throw new Error('expected a source to have a room');
		const batch = storage.batch();
		const {roomId} = room;
		const ends = {endsTs: Number.MAX_SAFE_INTEGER, silenceDays: 1000, isOwnerTold: false};
		storage.sourceLinks.addSource(batch, {userId, owner, name: 'a link', roomId, ...ends});
		batch.announce({kind: 'account', subject: userId, extra: {source: true}});
		await storage.commit(batch);
	},
	deactivate: (target, session) => deactivate(target, session, false),
	erase: (target, session) => deactivate(target, session, true),
	signOut: (target, {access_token: token}) => call(target, 'POST', `${V3}/logout/all`, {token, body: {}}),
	blockInvites: (target, {user_id: userId, access_token: token}) =>
		call(target, 'PUT', `${V3}/user/${path(userId)}/account_data/m.invite_permission_config`, {
			token,
			body: {default_action: 'block'},
		}),
	lock: (target, session, root) =>
		moderate(target, root, [
			{uri: `/_matrix/client/v1/admin/lock/${path(session.user_id)}`, body: {locked: true}},
			{uri: `/_synapse/admin/v2/users/${path(session.user_id)}`, body: {locked: true}},
		]),
	suspend: (target, session, root) =>
		moderate(target, root, [
			{uri: `/_matrix/client/v1/admin/suspend/${path(session.user_id)}`, body: {suspended: true}},
			{uri: `/_synapse/admin/v1/suspend/${path(session.user_id)}`, body: {suspend: true}},
		]),
};

function deactivate(target: Target, {user_id: user, access_token: token}: Session, erase: boolean): Promise<unknown> {
	const auth = {type: 'm.login.password', identifier: {type: 'm.id.user', user}, password: PASSWORD};
	return call(target, 'POST', `${V3}/account/deactivate`, {token, body: {auth, erase}});
}

/** Says one thing to a server in the ways that servers have for it, until one takes it. */
async function moderate(
	target: Target,
	root: Session,
	ways: readonly {readonly uri: string; readonly body: object}[],
): Promise<void> {
	for (const {uri, body} of ways) {
		const {status} = await request(target, 'PUT', uri, {token: root.access_token, body});
		if (status === 200 || status === 201) return;
	}
	throw new Error('expected a way to lock and suspend accounts, found none');
}

/** As many as show whether they are told. */
const TOKENS_MAX = 10;

/** Rooms cost more to make than people; each class has so many at most. */
const ROOMS_OF_CLASS_MAX = 20;

const ROOM_CLASSES: readonly {readonly name: string; readonly version: string; readonly rules?: object}[] = [
	{name: 'private', version: '12'},
	{name: 'private, version 11', version: '11'},
	{name: 'restricted', version: '12', rules: {join_rule: 'restricted', allow: []}},
	{name: 'private by rule', version: '12', rules: {join_rule: 'private'}},
];

const IDS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const newId = (random: SeededRandom, length: number): string =>
	Array.from({length}, () => IDS[random.below(IDS.length)]).join('');

/** Makes closed rooms with an alias and a message each, and as many names of rooms, events and aliases of which none is. */
async function makeRooms(target: Target, host: Session, samples: number, random: SeededRandom): Promise<Subject[]> {
	const token = host.access_token;
	const serverName = host.user_id.slice(host.user_id.indexOf(':') + 1);
	const count = Math.min(ROOMS_OF_CLASS_MAX, Math.ceil(samples / ROOM_CLASSES.length));
	const subjects: Subject[] = [];
	const add = (kind: Subject['kind'], name: string, className: string, isHere: boolean, roomId?: string) =>
		void subjects.push({kind, name, class: className, isHere, ...(roomId !== undefined && {roomId})});
	for (const {name: className, version, rules} of ROOM_CLASSES) {
		for (let index = 0; index < count; index += 1) {
			const aliasName = newId(random, 10).toLowerCase();
			const initialState = rules === undefined ? [] : [{type: 'm.room.join_rules', state_key: '', content: rules}];
			const body = {
				preset: 'private_chat',
				room_version: version,
				room_alias_name: aliasName,
				name: 'Between us',
				initial_state: initialState,
			};
			const {room_id: roomId} = await call<{room_id: string}>(target, 'POST', `${V3}/createRoom`, {token, body});
			const at = `${V3}/rooms/${path(roomId)}/send/m.room.message/first`;
			const message = {token, body: {msgtype: 'm.text', body: 'Between us'}};
			const {event_id: eventId} = await call<{event_id: string}>(target, 'PUT', at, message);
			add('room', roomId, className, true);
			add('event', eventId, `of a room: ${className}`, true, roomId);
			add('event', `$${newId(random, 43)}`, 'none, in a room that is here', false, roomId);
			add('alias', `#${aliasName}:${serverName}`, className, true);
			const idLength = roomId.split(':')[0]!.length - 1;
			const nowhere = `!${newId(random, idLength)}${version === '12' ? '' : `:${serverName}`}`;
			add('room', nowhere, `none, of the form of version ${version}`, false);
			add('event', `$${newId(random, 43)}`, 'none, in no room', false, nowhere);
			add('alias', `#${newId(random, 10).toLowerCase()}:${serverName}`, 'none', false);
			const ofService = `#${SERVICE_PREFIX}${newId(random, 10 - SERVICE_PREFIX.length).toLowerCase()}:${serverName}`;
			if (index % 4 === 0) add('alias', ofService, 'none, of a service', false);
		}
	}
	return subjects;
}

/** Files that a member put into no room, and names of files that nobody has. */
async function makeFiles(target: Target, host: Session, samples: number, random: SeededRandom): Promise<Subject[]> {
	const subjects: Subject[] = [];
	for (let index = 0; index < Math.min(ROOMS_OF_CLASS_MAX, samples); index += 1) {
		const reply = await fetch(`${target.url}/_matrix/media/v3/upload?filename=a.txt`, {
			method: 'POST',
			headers: {authorization: `Bearer ${host.access_token}`, 'content-type': 'text/plain'},
			body: `file ${index}`,
		});
		const {content_uri: uri} = (await reply.json()) as {content_uri: string};
		const [, serverName = '', mediaId = ''] = /^mxc:\/\/([^/]+)\/(.+)$/u.exec(uri) ?? [];
		subjects.push({kind: 'file', class: 'a file', isHere: true, name: `${serverName}/${mediaId}`});
		const none = `${serverName}/${newId(random, mediaId.length)}`;
		subjects.push({kind: 'file', class: 'none', isHere: false, name: none});
	}
	return subjects;
}
