import {once} from 'node:events';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {SMTPServer, type SMTPServerOptions} from 'smtp-server';
import type {SmtpConfig} from '../../../server/config/index.ts';
import {createMail, type Mail, MailError, type MailErrorCode, readMailAddress} from '../../../server/mail/index.ts';
import {createAuthority} from '../../harness/index.ts';

const letter = {to: 'alice@mail.example', subject: 'سلام', text: 'شب بخیر\n', language: 'fa'} as const;

/** A relay with a certificate that only its own authority vouches for. */
async function startRelay(t: ExecutionContext, options: SMTPServerOptions) {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-mail-'));
	t.teardown(() => rmSync(directory, {recursive: true, force: true}));
	const authority = createAuthority(directory);
	const {certificate, key} = authority.issue('127.0.0.1');
	const logins: string[] = [];
	const got: {isSecure: boolean; raw: string}[] = [];
	const server = new SMTPServer({
		cert: readFileSync(certificate),
		key: readFileSync(key),
		authOptional: true,
		disableReverseLookup: true,
		onAuth({username, password}, _session, callback) {
			logins.push(`${username} ${password}`);
			if (password === 'right') callback(null, {user: username});
			else callback(new Error('alice@mail.example: no'));
		},
		onData(stream, session, callback) {
			const chunks: Buffer[] = [];
			stream.on('data', (chunk: Buffer) => void chunks.push(chunk));
			stream.on('end', () => {
				got.push({isSecure: session.secure, raw: Buffer.concat(chunks).toString('utf8')});
				callback();
			});
		},
		...options,
	});
	server.on('error', () => undefined);
	const listening = server.listen(0, '127.0.0.1');
	await once(listening, 'listening');
	t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())));
	const address = listening.address();
	if (address === null || typeof address === 'string') throw new Error('expected a port, got none');
	const trusted = [readFileSync(authority.certificate, 'utf8')];
	const open = (having: Partial<SmtpConfig>): Mail =>
		createMail({
			serverName: 'news.example:8448',
			smtp: {
				host: '127.0.0.1',
				port: address.port,
				tls: 'starttls',
				trustedCertificates: trusted,
				login: undefined,
				from: 'News <server@news.example>',
				...having,
			},
		});
	return {open, got, logins};
}

async function fails(t: ExecutionContext, mail: Mail, code: MailErrorCode): Promise<MailError> {
	const error = await t.throwsAsync(mail.send(letter), {instanceOf: MailError});
	t.is(error?.code, code);
	t.false(`${error?.message} ${String(error?.cause)}`.includes('mail.example'));
	return error;
}

test('E7: a mail is plain text, and goes out by STARTTLS, with the login of the settings', async (t) => {
	const {open, got, logins} = await startRelay(t, {});
	await open({login: {user: 'server', password: 'right'}}).send(letter);
	t.deepEqual(logins, ['server right']);
	t.true(got[0]?.isSecure);
	const {raw = ''} = got[0] ?? {};
	t.regex(raw, /^Content-Language: fa\r$/mu);
	t.regex(raw, /^Message-ID: <[^>]+@news\.example>\r$/mu);
	t.regex(raw, /^Content-Type: text\/plain; charset=utf-8\r$/imu);
	t.notRegex(raw, /text\/html|multipart/iu);
	const text = Buffer.from(raw.slice(raw.indexOf('\r\n\r\n')), 'base64').toString('utf8');
	t.is(text.trim(), letter.text.trim());
});

test('a mail goes out by TLS from the first byte', async (t) => {
	const {open, got} = await startRelay(t, {secure: true});
	await open({tls: 'implicit'}).send(letter);
	t.true(got[0]?.isSecure);
});

test('nothing is said to a relay that cannot make the connection safe, or whose certificate nobody vouches for', async (t) => {
	const plain = await startRelay(t, {disabledCommands: ['STARTTLS']});
	await fails(t, plain.open({login: {user: 'server', password: 'right'}}), 'unavailable');
	t.deepEqual(plain.logins, []);
	const strange = await startRelay(t, {});
	await fails(t, strange.open({trustedCertificates: [], login: {user: 'server', password: 'right'}}), 'unavailable');
	t.deepEqual(strange.logins, []);
});

test('a login that is wrong may be mended in the settings, so the mail is not given up', async (t) => {
	const {open} = await startRelay(t, {});
	const error = await fails(t, open({login: {user: 'server', password: 'wrong'}}), 'unavailable');
	t.regex(error.message, /EAUTH 535/u);
});

test('a relay that is not there is tried again, and without the setting nothing is sent', async (t) => {
	const {open} = await startRelay(t, {});
	await fails(t, open({port: 1}), 'unavailable');
	await fails(t, createMail({smtp: undefined, serverName: 'news.example'}), 'off');
});

for (const [text, canonical] of [
	['Alice@Mail.Example', 'alice@mail.example'],
	[' a+b@x.example ', 'a+b@x.example'],
	['ä@bücher.example', 'ä@xn--bcher-kva.example'],
	['a@localhost', 'a@localhost'],
] as const) {
	test(`${text} is an address`, (t) => {
		t.is(readMailAddress(text)?.canonical, canonical);
	});
}

for (const text of [
	'',
	'alice',
	'@mail.example',
	'a@',
	'a b@mail.example',
	'a@b@c',
	'"a"@mail.example',
	'a@mail example',
	'a@mail.example, b@mail.example',
	'a@mail.example\r\nBcc: b@mail.example',
	'<a@mail.example>',
	`${'a'.repeat(65)}@mail.example`,
	`a@${'b.'.repeat(127)}example`,
]) {
	test(`${JSON.stringify(text.slice(0, 40))} is no address`, (t) => {
		t.is(readMailAddress(text), undefined);
	});
}
