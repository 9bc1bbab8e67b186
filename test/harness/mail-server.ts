/** A mail server on a loopback address that keeps what it is handed, and refuses what a test wants refused. */
import {once} from 'node:events';
import type {ExecutionContext} from 'ava';
import {until} from './client.ts';

/** A mail as it arrived. */
export interface ArrivedMail {
	readonly to: string;
	/** All headers, unfolded. */
	readonly headers: string;
	readonly subject: string;
	readonly text: string;
}

/** The server, and what it was handed. */
export interface MailServer {
	/** What the setting `smtp` says to use it. */
	readonly smtp: {readonly host: string; readonly port: number; readonly tls: 'off'; readonly from: string};
	readonly mails: ArrivedMail[];
	/** What the greeting of each connection named its client. */
	readonly greetings: string[];
	/** Answers every mail with this, if anything. */
	refusal: {readonly code: number; readonly text: string} | undefined;
	/** How many mails were refused. */
	refused: number;
	/** Waits for a mail to an address, with something in its subject or text where that is named, and takes it. */
	take(to: string, pattern?: RegExp): Promise<ArrivedMail>;
}

/** Starts a mail server; the test's end ends it. */
export async function startMailServer(t: Pick<ExecutionContext, 'teardown'>): Promise<MailServer> {
	const mails: ArrivedMail[] = [];
	const greetings: string[] = [];
	const {SMTPServer} = await import('smtp-server');
	const server = new SMTPServer({
		disabledCommands: ['STARTTLS'],
		authOptional: true,
		disableReverseLookup: true,
		onMailFrom(_address, session, callback) {
			greetings.push(session.hostNameAppearsAs || '');
			callback();
		},
		onRcptTo(_address, _session, callback) {
			if (mailServer.refusal === undefined) return callback();
			mailServer.refused += 1;
			callback(Object.assign(new Error(mailServer.refusal.text), {responseCode: mailServer.refusal.code}));
		},
		onData(stream, session, callback) {
			const chunks: Buffer[] = [];
			stream.on('data', (chunk: Buffer) => void chunks.push(chunk));
			stream.on('end', () => {
				const to = session.envelope.rcptTo.map(({address}) => address).join(', ');
				mails.push(readMail(to, Buffer.concat(chunks).toString('latin1')));
				callback();
			});
		},
	});
	server.on('error', () => undefined);
	const listening = server.listen(0, '127.0.0.1');
	await once(listening, 'listening');
	t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())));
	const address = listening.address();
	if (address === null || typeof address === 'string') throw new Error('expected a port, got none');
	const mailServer: MailServer = {
		smtp: {host: '127.0.0.1', port: address.port, tls: 'off', from: 'News <server@news.example>'},
		mails,
		greetings,
		refusal: undefined,
		refused: 0,
		async take(to, pattern = /./u) {
			const mail = await until(
				() => mails.find((one) => one.to === to && pattern.test(`${one.subject}\n${one.text}`)),
				`a mail of ${pattern}`,
			);
			mails.splice(mails.indexOf(mail), 1);
			return mail;
		},
	};
	return mailServer;
}

/** The link in a mail, without the server's own address. */
export function linkIn({text}: Pick<ArrivedMail, 'text'>): string {
	const [link] = /https?:\/\/[^\s,]+/u.exec(text) ?? [];
	if (link === undefined) throw new Error('expected a link in the mail, got none');
	const {pathname, search} = new URL(link);
	return pathname + search;
}

function readMail(to: string, raw: string): ArrivedMail {
	const end = raw.indexOf('\r\n\r\n');
	const headers = raw.slice(0, end).replaceAll(/\r\n[ \t]+/gu, ' ');
	const [, subject = ''] = /^Subject: (.*)$/mu.exec(headers) ?? [];
	return {to, headers, subject: decodeWords(subject), text: Buffer.from(raw.slice(end), 'base64').toString('utf8')};
}

function decodeWords(text: string): string {
	return text
		.replaceAll(/\?=\s+=\?/gu, '?==?')
		.replaceAll(/=\?UTF-8\?([BQ])\?([^?]*)\?=/giu, (_, encoding: string, word: string) =>
			Buffer.from(
				encoding.toUpperCase() === 'B'
					? Buffer.from(word, 'base64')
					: Buffer.from(
							word
								.replaceAll('_', ' ')
								.replaceAll(/=([0-9A-F]{2})/gu, (_code, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
							'latin1',
						),
			).toString('utf8'),
		);
}
