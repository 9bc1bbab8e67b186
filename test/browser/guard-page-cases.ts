/** The pages of what guards an account: addresses, the way back by a link, and sessions that wait. */
import {hashToken, newToken, type UserId} from '../../crypto/index.ts';
import {type App, login} from '../harness/index.ts';
import type {PageCase} from './page-cases.ts';
import {addPerson} from './visit.ts';

const ALICE = '@alice:news.example' as UserId;
const ADDRESS = 'alice@mail.example';
/** A relay that is not there: no page waits for it. */
export const withMail = {smtp: {host: '127.0.0.1', port: 9, tls: 'off', from: 'server@news.example'}};
const addAlice = (app: App): Promise<void> => addPerson(app, 'alice');

/** Has alice have an address, as if she had confirmed it. */
export async function giveAddress(app: App): Promise<void> {
	await addAlice(app);
	const {storage} = app.application;
	const batch = storage.batch();
	storage.mailAddresses.set(batch, {
		userId: ALICE,
		address: ADDRESS,
		canonical: ADDRESS,
		language: 'en',
		addedDay: 20_000,
	});
	await storage.commit(batch);
}

/** Makes a link as a mail would bring it. */
export async function makeLink(app: App, purpose: 'address' | 'password' | 'recovery'): Promise<string> {
	const {storage} = app.application;
	const token = newToken('mail');
	const batch = storage.batch();
	storage.mailValidations.set(batch, {
		sid: token.slice(-20),
		purpose,
		userId: ALICE,
		address: ADDRESS,
		askerHash: null,
		tokenHash: hashToken(token),
		language: 'en',
		sendAttempt: 1,
		failures: 0,
		isConfirmed: false,
		expiresTs: Date.now() + 600_000,
		mails: 1,
	});
	await storage.commit(batch);
	return token;
}

async function addWaiting(app: App): Promise<void> {
	await addAlice(app);
	for (let count = 0; count < 3; count += 1) await login(app, 'alice');
}

/** Makes the link of a notice. */
export async function makeApproval(app: App): Promise<string> {
	const {storage} = app.application;
	const token = newToken('approval');
	const [waiting] = await storage.quarantinedDevices.listOfUser(ALICE);
	if (waiting === undefined) throw new Error('expected a session that waits, got none');
	const batch = storage.batch();
	storage.quarantinedDevices.setCode(batch, {...waiting, codeHash: hashToken(token)});
	await storage.commit(batch);
	return token;
}

/** The pages, in the order in which people come to them. */
export const guardPageCases: readonly PageCase[] = [
	{
		name: 'recover',
		what: 'the page that asks who wants a link',
		config: withMail,
		open: (page, app) => page.goto(`${app.url}/account/recover`),
	},
	{
		name: 'recover-off',
		what: 'the same page where no mail is sent',
		open: (page, app) => page.goto(`${app.url}/account/recover`),
	},
	{
		name: 'recover-link',
		what: 'the page that sets a new password',
		config: withMail,
		prepare: giveAddress,
		open: async (page, app) => page.goto(`${app.url}/account/recover/${await makeLink(app, 'recovery')}`),
	},
	{
		name: 'recover-confirm',
		what: 'the page that confirms to a client who it is',
		config: withMail,
		prepare: giveAddress,
		open: async (page, app) => page.goto(`${app.url}/account/recover/${await makeLink(app, 'password')}`),
	},
	{
		name: 'recover-gone',
		what: 'a link in a mail that is over',
		config: withMail,
		open: (page, app) => page.goto(`${app.url}/account/recover/x`),
	},
	{
		name: 'email',
		what: 'the page of one’s address',
		as: 'alice',
		config: withMail,
		prepare: giveAddress,
		open: (page, app) => page.goto(`${app.url}/account/email`),
	},
	{
		name: 'email-confirm',
		what: 'the page that confirms an address',
		config: withMail,
		prepare: giveAddress,
		open: async (page, app) => page.goto(`${app.url}/account/email/confirm/${await makeLink(app, 'address')}`),
	},
	{
		name: 'waiting',
		what: 'the sessions that wait',
		as: 'alice',
		config: {quarantine: true},
		prepare: addWaiting,
		open: (page, app) => page.goto(`${app.url}/account/waiting`),
	},
	{
		name: 'approve',
		what: 'the page that approves a session',
		config: {quarantine: true},
		prepare: addWaiting,
		open: async (page, app) => page.goto(`${app.url}/account/approve/${await makeApproval(app)}`),
	},
	{
		name: 'approve-gone',
		what: 'a session that waits no more',
		open: (page, app) => page.goto(`${app.url}/account/approve/x`),
	},
];
