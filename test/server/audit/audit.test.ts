import {join} from 'node:path';
import Sqlite from 'better-sqlite3';
import test, {type ExecutionContext} from 'ava';
import type {UserId} from '../../../crypto/index.ts';
import {type App, call, login, passwordOf, register, startApp} from '../../harness/index.ts';

const ROOT = '@root:news.example' as UserId;

/** A server with an administrator who has locked and unlocked somebody often. */
async function startWithActs(t: ExecutionContext, count: number): Promise<App> {
	const app = await startApp(t);
	await app.application.services.accounts.register({userId: ROOT, password: passwordOf('root'), isAdmin: true});
	const {access_token: token} = await login(app, 'root');
	const bob = await register(app, 'bob');
	const path = `/_matrix/client/v1/admin/lock/${encodeURIComponent(bob.user_id)}`;
	for (let act = 0; act < count; act += 1) {
		await call(app, 'PUT', path, {token, body: {locked: act % 2 === 0}});
	}
	return app;
}

/** Changes the database as somebody would who has its file. */
function tamper(app: App, ...statements: readonly string[]): void {
	const db = new Sqlite(join(app.directory, 'data', 'broadsheet.db'));
	try {
		for (const statement of statements) db.exec(statement);
	} finally {
		db.close();
	}
}

test('what an administrator does is in the log with who, what, whom and when', async (t) => {
	const app = await startWithActs(t, 2);
	const {audit} = app.application.services;
	const entries = (await audit.list({limit: 10})).toReversed();
	t.deepEqual(
		entries.map(({position, who, act, whom}) => [position, who, act, whom]),
		[
			[1, ROOT, 'lock-account', '@bob:news.example'],
			[2, ROOT, 'unlock-account', '@bob:news.example'],
		],
	);
	t.true(Math.abs(Date.now() - (entries[0]?.ts ?? 0)) < 60_000);
	t.deepEqual(await audit.verify(), {count: 2, hash: entries[1]?.hash, sealedUpTo: 0, fault: undefined});
});

test('an act that does not happen is not in the log', async (t) => {
	const app = await startWithActs(t, 0);
	const {audit, moderation} = app.application.services;
	await t.throwsAsync(moderation.set(ROOT, ROOT, 'isLocked', true), {message: /Administrators/});
	t.deepEqual(await audit.list({limit: 10}), []);
});

test('one flipped byte anywhere in an entry is named', async (t) => {
	const app = await startWithActs(t, 5);
	const {audit} = app.application.services;
	const {storage} = app.application;
	const row = (await storage.audit.list({after: 2, limit: 1}))[0]!;
	for (let at = 0; at < row.entry.length; at += 1) {
		const flipped = String.fromCharCode(row.entry.charCodeAt(at) ^ 1);
		const text = `${row.entry.slice(0, at)}${flipped}${row.entry.slice(at + 1)}`.replaceAll("'", "''");
		tamper(app, `update audit_entries set entry = '${text}' where position = 3`);
		t.like(await audit.verify(), {count: 2, fault: {position: 3}}, `byte ${at}`);
	}
	tamper(app, `update audit_entries set entry = '${row.entry}', hash = 'x' || substr(hash, 2) where position = 3`);
	t.like(await audit.verify(), {count: 2, fault: {position: 3}});
	tamper(app, `update audit_entries set hash = '${row.hash}' where position = 3`);
	t.is((await audit.verify()).fault, undefined);
});

test('an entry that was taken out is named, and so is one that was written anew with all its followers', async (t) => {
	const app = await startWithActs(t, 4);
	const {audit} = app.application.services;
	t.is(await audit.seal(), 4);
	t.is(await audit.seal(), 0);
	t.like(await audit.verify(), {count: 4, sealedUpTo: 4, fault: undefined});
	const sealed = (await audit.list({limit: 1}))[0]!;
	tamper(app, 'delete from audit_entries where position = 2');
	t.like((await audit.verify()).fault, {position: 2});
	tamper(app, 'delete from audit_entries where position > 1');
	// As the program itself would write them: the chain fits, and the seal does not.
	for (let act = 0; act < 3; act += 1)
		await audit.record({who: ROOT, act: 'lock-account', whom: `@x${act}:news.example`});
	t.like((await audit.verify()).fault, {position: 4, reason: 'the entry is not the one that was sealed'});
	tamper(app, 'delete from audit_seals');
	t.like(await audit.verify(), {fault: undefined});
	t.like((await audit.verify({position: 4, hash: sealed.hash})).fault, {position: 4});
});

test('entries that were cut off the end are missed once they were sealed or noted', async (t) => {
	const app = await startWithActs(t, 4);
	const {audit} = app.application.services;
	const last = (await audit.list({limit: 1}))[0]!;
	await audit.seal();
	tamper(app, 'delete from audit_entries where position > 2');
	t.is((await audit.verify()).fault?.position, 3);
	t.regex((await audit.verify()).fault?.reason ?? '', /a seal says that there was an entry 4/);
	tamper(app, 'delete from audit_seals');
	t.is((await audit.verify()).fault, undefined);
	t.regex((await audit.verify({position: 4, hash: last.hash})).fault?.reason ?? '', /entry 4 is expected/);
});

test('a seal that another key has signed is named', async (t) => {
	const app = await startWithActs(t, 1);
	const {audit} = app.application.services;
	await audit.seal();
	tamper(app, "update audit_seals set signature = 'A' || substr(signature, 2)");
	tamper(app, "update audit_seals set signature = 'B' || substr(signature, 2)");
	t.like((await audit.verify()).fault, {position: 1, reason: 'its seal is not signed with a key of this server'});
});

test('what was done to a person is found among what was done to others', async (t) => {
	const app = await startWithActs(t, 2);
	const {audit} = app.application.services;
	await audit.record({who: ROOT, act: 'block-room', whom: '!room:news.example'});
	const found: string[] = [];
	for await (const {act} of audit.listOfUser('@bob:news.example')) found.push(act);
	t.deepEqual(found, ['lock-account', 'unlock-account']);
});
