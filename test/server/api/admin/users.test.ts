import test from 'ava';
import {
	type App,
	login,
	passwordOf,
	register,
	request,
	type Session,
	signInOnPage,
	startApp,
	until,
	type Visitor,
} from '../../../harness/index.ts';
import {addAdministrator, ask, listActs} from './administrator.ts';

const ROOT = '@root:news.example';
const ALICE = '@alice:news.example';
const at = (userId: string) => `/v2/users/${encodeURIComponent(userId)}`;
const WHOAMI = '/_matrix/client/v3/account/whoami';

const isIn = async (app: App, {access_token: token}: Session) =>
	(await request(app, 'GET', WHOAMI, {token})).status === 200;

test('accounts are listed as Synapse lists them, page by page', async (t) => {
	const app = await startApp(t);
	const root = await addAdministrator(app);
	for (const name of ['alice', 'bobby', 'carol']) await register(app, name);
	await ask(app, root, ['PUT', at(ALICE), {displayname: 'Änne', avatar_url: 'mxc://news.example/a'}]);
	const {status, body} = await ask(app, root, ['GET', '/v2/users?from=0&limit=2&guests=false']);
	t.is(status, 200);
	t.like(body, {total: 4, next_token: '2'});
	const [alice] = body['users'] as Record<string, unknown>[];
	t.like(alice, {
		name: ALICE,
		user_type: null,
		is_guest: false,
		admin: false,
		deactivated: false,
		erased: false,
		shadow_banned: false,
		displayname: 'Änne',
		avatar_url: 'mxc://news.example/a',
		locked: false,
	});
	t.is((alice?.['creation_ts'] as number) % 86_400_000, 0);
	const names = async (query: string) =>
		((await ask(app, root, ['GET', query])).body['users'] as {name: string}[]).map(({name}) => name.slice(1, 6));
	t.deepEqual(await names('/v2/users?from=2&limit=2'), ['carol', 'root:']);
	t.deepEqual(await names('/v3/users?name=nne'), ['alice']);
	t.deepEqual(await names('/v3/users?user_id=bob'), ['bobby']);
	t.deepEqual(await names('/v3/users?admins=true'), ['root:']);
	t.deepEqual(await names('/v3/users?admins=false&dir=b'), ['carol', 'bobby', 'alice']);
	await ask(app, root, ['POST', `/v1/deactivate/${encodeURIComponent(ALICE)}`, {erase: false}]);
	t.deepEqual(await names('/v3/users?deactivated=true'), ['alice']);
	t.deepEqual(await names('/v3/users?deactivated=false'), ['bobby', 'carol', 'root:']);
	t.is((await names('/v2/users')).length, 3);
	t.is((await names('/v2/users?deactivated=true')).length, 4);
	await ask(app, root, ['PUT', at('@bobby:news.example'), {locked: true}]);
	t.is((await names('/v2/users')).length, 2);
	t.is((await names('/v2/users?locked=true')).length, 3);
	t.is((await ask(app, root, ['GET', '/v2/users?order_by=shoe_size'])).status, 400);
	t.is((await ask(app, root, ['GET', '/v2/users?from=-1'])).status, 400);
});

test('with the last session that an administrator ends, and with a password that they set, browsers are signed out', async (t) => {
	const app = await startApp(t);
	const root = await addAdministrator(app);
	const first = await register(app, 'alice');
	const [second, third] = [await login(app, 'alice'), await login(app, 'alice')];
	const remove = (...devices: string[]) => ask(app, root, ['POST', `${at(ALICE)}/delete_devices`, {devices}]);
	const isOpen = async (visitor: Visitor) => (await visitor.open('/account')).status === 200;
	const browser = await signInOnPage(app, 'alice', passwordOf('alice'));
	await ask(app, root, ['DELETE', `${at(ALICE)}/devices/${first.device_id}`]);
	await remove(second.device_id);
	t.true(await isOpen(browser), 'one is left');
	t.is((await remove(third.device_id, 'GONE')).status, 200);
	t.false(await isIn(app, third));
	t.false(await isOpen(browser));
	const alone = await signInOnPage(app, 'alice', passwordOf('alice'));
	const {body} = await ask(app, root, ['GET', `${at(ALICE)}/devices`]);
	t.is(body['total'], 0);
	await remove();
	t.false(await isOpen(alone), 'all that are left: none');
	t.true((await listActs(app)).some(([who, act, whom]) => who === ROOT && act === 'remove-devices' && whom === ALICE));
	const last = await signInOnPage(app, 'alice', passwordOf('alice'));
	const path = `/v1/reset_password/${encodeURIComponent(ALICE)}`;
	await ask(app, root, ['POST', path, {new_password: 'another-Zq7!', logout_devices: true}]);
	t.false(await isOpen(last));
});

test('an account is made, changed and looked at', async (t) => {
	const app = await startApp(t, {config: {registration: 'closed'}});
	const root = await addAdministrator(app);
	const made = await ask(app, root, [
		'PUT',
		at(ALICE),
		{password: passwordOf('alice'), displayname: 'Alice', admin: false, threepids: [], external_ids: []},
	]);
	t.is(made.status, 201);
	t.like(made.body, {name: ALICE, displayname: 'Alice', threepids: [], external_ids: [], appservice_id: null});
	t.true((made.body['creation_ts'] as number) < 1e11);
	const phone = await login(app, 'alice');
	t.is((await ask(app, root, ['PUT', at(ALICE), {displayname: ''}])).body['displayname'], null);
	t.true(await isIn(app, phone));
	t.is((await ask(app, root, ['PUT', at(ALICE), {password: 'another one', logout_devices: false}])).status, 200);
	t.true(await isIn(app, phone));
	await ask(app, root, ['PUT', at(ALICE), {password: 'yet another'}]);
	await until(async () => !(await isIn(app, phone)), 'the session to end');
	t.like((await ask(app, root, ['PUT', at(ALICE), {locked: true}])).body, {locked: true});
	t.like((await ask(app, root, ['GET', at(ALICE)])).body, {locked: true, admin: false});
	t.is((await ask(app, root, ['GET', at('@nobody:news.example')])).status, 404);
	t.is((await ask(app, root, ['GET', at('@nobody:other.example')])).status, 400);
	t.is((await ask(app, root, ['PUT', at('@Capital:news.example'), {password: 'long enough'}])).status, 400);
	const email = {medium: 'email', address: 'a@news.example'};
	t.is((await ask(app, root, ['PUT', at(ALICE), {threepids: [email]}])).status, 403);
	t.is((await ask(app, root, ['PUT', at(ALICE), {user_type: 'bot'}])).status, 400);
	t.deepEqual(await listActs(app), [
		[ROOT, 'create-account', ALICE],
		[ROOT, 'set-profile', ALICE],
		[ROOT, 'set-profile', ALICE],
		[ROOT, 'set-password', ALICE],
		[ROOT, 'set-password', ALICE],
		[ROOT, 'lock-account', ALICE],
	]);
	const log = JSON.stringify(await app.application.services.audit.list({limit: 100}));
	for (const secret of [passwordOf('alice'), 'another one', 'Alice"']) t.false(log.includes(secret), secret);
});

test('an account that has ended stays ended', async (t) => {
	const app = await startApp(t);
	const root = await addAdministrator(app);
	const phone = await register(app, 'alice');
	const ended = await ask(app, root, ['POST', `/v1/deactivate/${encodeURIComponent(ALICE)}`, {erase: true}]);
	t.deepEqual([ended.status, ended.body], [200, {id_server_unbind_result: 'success'}]);
	t.false(await isIn(app, phone));
	t.like((await ask(app, root, ['GET', at(ALICE)])).body, {deactivated: true, erased: true});
	// Tools send back what they were told.
	t.is((await ask(app, root, ['PUT', at(ALICE), {deactivated: true, displayname: 'x'}])).status, 200);
	t.is((await ask(app, root, ['PUT', at(ALICE), {deactivated: false, password: 'long enough'}])).status, 403);
	const path = `/v1/reset_password/${encodeURIComponent(ALICE)}`;
	t.is((await ask(app, root, ['POST', path, {new_password: 'long enough'}])).status, 403);
	t.like((await ask(app, root, ['GET', at(ALICE)])).body, {deactivated: true, displayname: null});
});

test('an administrator makes others, and takes the rights of none', async (t) => {
	const app = await startApp(t);
	const root = await addAdministrator(app);
	const alice = await register(app, 'alice');
	const path = `/v1/users/${encodeURIComponent(ALICE)}/admin`;
	t.deepEqual((await ask(app, root, ['GET', path])).body, {admin: false});
	t.is((await ask(app, root, ['PUT', path, {admin: true}])).status, 200);
	t.deepEqual((await ask(app, alice, ['GET', path])).body, {admin: true});
	const refused = [
		['PUT', path, {admin: false}],
		['PUT', at(ALICE), {admin: false}],
		['PUT', at(ALICE), {password: 'taken over'}],
		['PUT', at(ALICE), {locked: true}],
		['POST', `/v1/reset_password/${encodeURIComponent(ALICE)}`, {new_password: 'taken over'}],
		['POST', `/v1/deactivate/${encodeURIComponent(ALICE)}`, {}],
		['PUT', `/v1/suspend/${encodeURIComponent(ALICE)}`, {suspend: true}],
		['POST', `/v2/users/${encodeURIComponent(ALICE)}/delete_devices`, {devices: [alice.device_id]}],
		['PUT', `/v1/users/${encodeURIComponent(ROOT)}/admin`, {admin: false}],
	] as const;
	for (const wish of refused) t.is((await ask(app, root, wish)).status, 403, wish[1]);
	t.true(await isIn(app, alice));
	t.deepEqual(await listActs(app), [[ROOT, 'grant-administration', ALICE]]);
});

test('sessions are listed, named and ended', async (t) => {
	const app = await startApp(t);
	const root = await addAdministrator(app);
	const first = await register(app, 'alice');
	const second = await login(app, 'alice', 'SECOND');
	const path = `${at(ALICE)}/devices`;
	const {body} = await ask(app, root, ['GET', path]);
	t.is(body['total'], 2);
	t.deepEqual((await ask(app, root, ['PUT', `${path}/SECOND`, {display_name: 'Phone'}])).body, {});
	const shown = await ask(app, root, ['GET', `${path}/SECOND`]);
	t.like(shown.body, {device_id: 'SECOND', display_name: 'Phone', user_id: ALICE, last_seen_ip: null});
	t.is((await ask(app, root, ['GET', `${path}/THIRD`])).status, 404);
	t.is((await ask(app, root, ['PUT', `${path}/THIRD`, {display_name: 'x'}])).status, 404);
	t.deepEqual((await ask(app, root, ['DELETE', `${path}/SECOND`])).body, {});
	t.false(await isIn(app, second));
	const ended = await ask(app, root, ['POST', `${at(ALICE)}/delete_devices`, {devices: [first.device_id, 'GONE']}]);
	t.is(ended.status, 200);
	t.false(await isIn(app, first));
	t.is((await ask(app, root, ['GET', path])).body['total'], 0);
	t.is((await ask(app, root, ['GET', `${at('@nobody:news.example')}/devices`])).status, 404);
});

test('what belongs to somebody is shown to administrators', async (t) => {
	const app = await startApp(t);
	const root = await addAdministrator(app);
	const alice = await register(app, 'alice');
	const {body: room} = await request<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {
		token: alice.access_token,
		body: {},
	});
	const of = (what: string) => ask(app, root, ['GET', `/v1/users/${encodeURIComponent(ALICE)}/${what}`]);
	t.deepEqual((await of('joined_rooms')).body, {joined_rooms: [room.room_id], total: 1});
	t.deepEqual((await of('memberships')).body, {memberships: {[room.room_id]: 'join'}, total: 1});
	t.deepEqual((await of('pushers')).body, {pushers: [], total: 0});
	const whois = await ask(app, root, ['GET', `/v1/whois/${encodeURIComponent(ALICE)}`]);
	t.like(whois.body, {user_id: ALICE, devices: {[alice.device_id]: {sessions: [{connections: []}]}}});
	t.deepEqual((await ask(app, root, ['GET', '/v1/username_available?username=free'])).body, {available: true});
	t.is((await ask(app, root, ['GET', '/v1/username_available?username=alice'])).body['errcode'], 'M_USER_IN_USE');
	t.deepEqual((await ask(app, root, ['GET', '/v1/server_version'])).body, {server_version: 'Broadsheet'});
});
