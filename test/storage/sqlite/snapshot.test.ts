import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {DatabaseCopy, openStorage} from '../../../storage/index.ts';
import {createCopy} from '../../../storage/sqlite/snapshot.ts';

const serverName = 'a.example';

test('a copy of every older schema is read, and brought to this one when it is put to use', async (t) => {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-snapshot-'));
	t.teardown(() => rmSync(directory, {recursive: true}));
	for (let schemaVersion = 1; schemaVersion <= 8; schemaVersion += 1) {
		const file = join(directory, `copy-${schemaVersion}`);
		(await createCopy(file, {serverName, schemaVersion})).close();
		using copy = await DatabaseCopy.open(file);
		t.deepEqual(copy.label, {serverName, schemaVersion});
		t.deepEqual(copy.listContents('', 10), []);
		t.deepEqual(await copy.revive({madeTs: 0, nowTs: 0}), {localUsers: 0, remoteUsers: 0, oneTimeKeys: 0});
		const url = `sqlite:${file}.db`;
		await copy.place(url);
		const storage = await openStorage({url, serverName});
		t.is(storage.stream.head(), 1_000_000);
		await storage.close();
	}
});
