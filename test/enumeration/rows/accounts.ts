/** Rows 1 to 7 and 49: signing in, registering, and the way back to an account. */
import {hashToken, newToken} from '../../../crypto/index.ts';
import {path} from '../../harness/index.ts';
import type {Probe, Question, Row} from '../probe.ts';
import type {Subject} from '../subjects.ts';

const V3 = '/_matrix/client/v3';

const localpartOf = (name: string): string => name.slice(1, name.indexOf(':'));

const outsider = (row: number, title: string, ask: Probe['ask'], over: Partial<Probe> = {}): Probe => ({
	row,
	title,
	asker: 'outsider',
	about: 'person',
	ask,
	...over,
});

const signIn = (identifier: object, secret: object = {password: 'not the right one'}): Question => ({
	method: 'POST',
	uri: `${V3}/login`,
	body: {type: 'm.login.password', identifier, ...secret},
});

/** A browser in which nobody is known: it makes up its token, and what its forms carry follows from that. */
const browserToken = newToken('web');

/** Sends a page's form, as a browser that was given the page does. */
const sendForm = (uri: string, fields: Readonly<Record<string, string>>): Question => ({
	method: 'POST',
	uri,
	text: new URLSearchParams({...fields, csrf: hashToken(`csrf ${browserToken}`)}).toString(),
	headers: {
		'content-type': 'application/x-www-form-urlencoded',
		cookie: `matrix-session=${browserToken}; __Host-matrix-session=${browserToken}`,
	},
});

/** A form that is taken for another site's: then nothing was looked up at all. */
const REFUSED = /came from elsewhere/u;

const signInOnPage = (username: string): Question =>
	sendForm('/account/sign-in', {username, password: 'not the right one'});

const mailOf = (name: string): string => `${localpartOf(name)}@mail.example`;

/** Asks for a link; who is here has an address that it would be sent to. */
const askForLink = (name: string): Question => sendForm('/account/recover', {name});

/** Each subject is asked about from an address of its own, so that one that is limited limits no other. */
const addressOf = (count: number): string => `127.80.${(count >> 8) & 0xff}.${count & 0xff}`;

/** Tries beyond what the limits of a claimed name allow. */
const TRIES_UNTIL_LIMITED = 7;

const TOKEN_REQUESTS: readonly (readonly [string, (name: string) => object])[] = [
	['register/email', (name) => ({email: mailOf(name)})],
	['account/password/email', (name) => ({email: mailOf(name)})],
	['account/3pid/email', (name) => ({email: mailOf(name)})],
	['register/msisdn', () => ({country: 'GB', phone_number: '07700900001'})],
	['account/password/msisdn', () => ({country: 'GB', phone_number: '07700900001'})],
	['account/3pid/msisdn', () => ({country: 'GB', phone_number: '07700900001'})],
];

const register = (subject: Subject, over: object = {}): Question => ({
	method: 'POST',
	uri: `${V3}/register`,
	body: {username: localpartOf(subject.name), password: 'a password of some length', ...over},
});

/** Signing in and registering. */
export const ACCOUNT_ROWS: readonly Row[] = [
	{
		number: 1,
		surface: 'sign-in with a wrong password',
		probes: [
			outsider(1, 'POST /login by localpart', ({name}) => signIn({type: 'm.id.user', user: localpartOf(name)}), {
				isTimed: true,
				timedMax: 300,
			}),
			outsider(1, 'POST /login by user id', ({name}) => signIn({type: 'm.id.user', user: name})),
			outsider(1, 'POST /login with an empty password', ({name}) =>
				signIn({type: 'm.id.user', user: name}, {password: ''}),
			),
			outsider(1, 'the form of the sign-in page by localpart', ({name}) => signInOnPage(localpartOf(name)), {
				forbidden: REFUSED,
				isTimed: true,
				timedMax: 300,
			}),
			outsider(1, 'the form of the sign-in page by user id', ({name}) => signInOnPage(name), {
				forbidden: REFUSED,
			}),
			{
				...outsider(1, 'POST /account/deactivate with the name of {u}', ({name: user}) => ({
					method: 'POST',
					uri: `${V3}/account/deactivate`,
					body: {
						auth: {type: 'm.login.password', identifier: {type: 'm.id.user', user}, password: 'not the right one'},
					},
				})),
				asker: 'stranger',
			},
		],
	},
	{
		number: 2,
		surface: 'limits of sign-in',
		probes: [
			outsider(
				2,
				'POST /login until it is limited',
				({name}, means) => {
					const from = addressOf(means.next());
					const question = {...signIn({type: 'm.id.user', user: name}), from};
					return Array.from({length: TRIES_UNTIL_LIMITED}, () => question);
				},
				{needsLimits: true, samplesMax: 20},
			),
			outsider(
				2,
				'the form of the sign-in page until it is limited',
				({name}, means) => {
					const question = {...signInOnPage(name), from: addressOf(means.next())};
					return Array.from({length: TRIES_UNTIL_LIMITED}, () => question);
				},
				{needsLimits: true, samplesMax: 20},
			),
		],
	},
	{
		number: 3,
		surface: 'sign-in by address, number or token',
		probes: [
			outsider(3, 'POST /login by e-mail address', ({name}) =>
				signIn({type: 'm.id.thirdparty', medium: 'email', address: mailOf(name)}),
			),
			outsider(3, 'POST /login by number', ({name}) =>
				signIn({type: 'm.id.phone', country: 'GB', phone: localpartOf(name)}),
			),
			outsider(3, 'POST /login by token', ({name}) => ({
				method: 'POST',
				uri: `${V3}/login`,
				body: {type: 'm.login.token', token: localpartOf(name)},
			})),
		],
	},
	{
		number: 4,
		surface: 'whether a name is available',
		probes: [
			outsider(
				4,
				'GET /register/available',
				({name}) => ({method: 'GET', uri: `${V3}/register/available?username=${path(localpartOf(name))}`}),
				{isFormTold: true, isBounded: ['open']},
			),
		],
	},
	{
		number: 5,
		surface: 'registration',
		probes: [
			outsider(5, 'POST /register', (subject) => register(subject), {isFormTold: true, isBounded: ['open']}),
			outsider(
				5,
				'POST /register with a token that is none',
				(subject) => register(subject, {auth: {type: 'm.login.registration_token', token: 'none', session: 'none'}}),
				{isFormTold: true, on: ['default', 'token']},
			),
			outsider(
				5,
				'the form of the page that makes an account, with a token that is none',
				({name}) =>
					sendForm('/account/register', {
						username: localpartOf(name),
						password: 'a password of some length',
						repeated: 'a password of some length',
						token: 'none',
					}),
				{forbidden: REFUSED, on: ['default', 'token']},
			),
		],
	},
	{
		number: 6,
		surface: 'whether a registration token is good',
		probes: [
			outsider(
				6,
				'GET /register/m.login.registration_token/validity',
				({name}) => ({
					method: 'GET',
					uri: `/_matrix/client/v1/register/m.login.registration_token/validity?token=${path(name)}`,
				}),
				{about: 'token', isBounded: ['token']},
			),
		],
	},
	{
		number: 7,
		surface: 'tokens by e-mail or message',
		probes: TOKEN_REQUESTS.map(([at, address]) =>
			outsider(7, `POST /${at}/requestToken`, ({name}) => ({
				method: 'POST',
				uri: `${V3}/${at}/requestToken`,
				body: {client_secret: 'a secret', send_attempt: 1, ...address(name)},
			})),
		),
	},
	{
		number: 49,
		surface: 'the way back to an account',
		probes: [
			outsider(49, 'the form that asks for a link, by name', ({name}) => askForLink(localpartOf(name)), {
				forbidden: REFUSED,
			}),
			outsider(49, 'the form that asks for a link, by user id', ({name}) => askForLink(name), {forbidden: REFUSED}),
			outsider(49, 'the form that asks for a link, by address', ({name}) => askForLink(mailOf(name)), {
				forbidden: REFUSED,
			}),
		],
	},
];
