import type {Transporter} from 'nodemailer';
import type {SmtpConfig} from '../config/index.ts';
import {MailError} from './errors.ts';
import type {Language} from './languages.ts';

/** A relay that does not answer is tried again later; a job must not wait longer than its lease is worth. */
const CONNECT_MS_MAX = 15_000;
const IDLE_MS_MAX = 30_000;
/** An answer of a relay is some lines. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** A mail in plain text. */
export interface Letter {
	/** The address that it goes to, as {@link readMailAddress} gives it. */
	readonly to: string;
	readonly subject: string;
	readonly text: string;
	readonly language: Language;
}

/** What hands mails to the relay that the settings name. Whoever uses it keeps the mail until it is taken. */
export interface Mail {
	/** Whether the settings name a relay. */
	readonly isOn: boolean;
	/** Hands a mail over, in one connection. @throws MailError */
	send(letter: Letter): Promise<void>;
}

/** Makes what sends mail. The library is loaded with the first one. */
export function createMail({
	smtp,
	serverName,
}: {
	readonly smtp: SmtpConfig | undefined;
	/** What the relay is greeted with: never the name of the machine. */
	readonly serverName: string;
}): Mail {
	let transport: Promise<Transporter> | undefined;
	return {
		isOn: smtp !== undefined,
		async send({to, subject, text, language}) {
			if (smtp === undefined) throw new MailError('off', 'Expected the setting smtp: no mail is sent without it');
			transport ??= openTransport(smtp, serverName);
			const transporter = await transport;
			try {
				await transporter.sendMail({
					from: smtp.from,
					to,
					subject,
					text,
					headers: {'Auto-Submitted': 'auto-generated', 'Content-Language': language},
					textEncoding: 'base64',
					xMailer: false,
					disableFileAccess: true,
					disableUrlAccess: true,
				});
			} catch (error) {
				throw isFinal(error)
					? new MailError('refused', 'The relay of the setting smtp refused a mail for good')
					: new MailError('unavailable', `The relay of the setting smtp took no mail (${codeOf(error)})`);
			}
		},
	};
}

async function openTransport({host, port, tls, login, trustedCertificates}: SmtpConfig, serverName: string) {
	const {createTransport} = await import('nodemailer');
	const {rootCertificates} = await import('node:tls');
	return createTransport({
		host,
		port,
		name: serverName.replace(/:\d+$/u, ''),
		secure: tls === 'implicit',
		requireTLS: tls === 'starttls',
		ignoreTLS: tls === 'off',
		tls: {
			minVersion: 'TLSv1.2',
			...(trustedCertificates.length > 0 && {ca: [...rootCertificates, ...trustedCertificates]}),
		},
		...(login && {auth: {user: login.user, pass: login.password}}),
		connectionTimeout: CONNECT_MS_MAX,
		greetingTimeout: CONNECT_MS_MAX,
		dnsTimeout: CONNECT_MS_MAX,
		socketTimeout: IDLE_MS_MAX,
		maxResponseSize: ANSWER_BYTES_MAX,
		logger: false,
	});
}

/** A refusal of this mail for good; one of the login may be mended in the settings. */
function isFinal(error: unknown): boolean {
	const {responseCode, code} = error as {readonly responseCode?: unknown; readonly code?: unknown};
	return typeof responseCode === 'number' && responseCode >= 500 && (code === 'EENVELOPE' || code === 'EMESSAGE');
}

/** The library's own word for what went wrong, which holds no address. */
function codeOf(error: unknown): string {
	const {code, responseCode} = error as {readonly code?: unknown; readonly responseCode?: unknown};
	const word = typeof code === 'string' && /^[A-Z_]{1,40}$/u.test(code) ? code : 'unknown';
	return typeof responseCode === 'number' ? `${word} ${responseCode}` : word;
}
