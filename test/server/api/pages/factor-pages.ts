/** What tests of pages share that ask for a second factor. */
import type {ExecutionContext} from 'ava';
import {Secret, TOTP} from 'otpauth';
import type {UserId} from '../../../../crypto/index.ts';
import {
	type App,
	type AppOptions,
	call,
	passwordOf,
	register,
	type Session,
	startApp,
	type Visit,
	Visitor,
} from '../../../harness/index.ts';

export const SIGN_IN = '/account/sign-in';
export const SECOND_STEP = '/account/sign-in/second-step';
/** Where browsers find the server of these tests. */
export const ORIGIN = 'https://matrix.news.example';

/** A server, a person, and the time that both go by. */
export interface Desk {
	readonly app: App;
	readonly alice: Session;
	/** Moves the time of the server and of the code generators. */
	readonly advance: (ms: number) => void;
	/** Sets a code generator up, beside the pages; what it shows then, so many steps from now. */
	readonly addGenerator: (userId?: string) => Promise<(steps?: number) => string>;
	/** What a generator with this secret shows. */
	readonly show: (secret: string, steps?: number) => string;
}

export async function openDesk(t: ExecutionContext, config: AppOptions['config'] = {}): Promise<Desk> {
	const app = await startApp(t, {config: {public_url: ORIGIN, ...config}});
	const alice = await register(app, 'alice');
	let offsetMs = 0;
	const show = (secret: string, steps = 0): string =>
		new TOTP({secret: Secret.fromBase32(secret)}).generate({timestamp: Date.now() + offsetMs + steps * 30_000});
	return {
		app,
		alice,
		show,
		advance(ms) {
			offsetMs += ms;
			app.advance(ms);
		},
		async addGenerator(userId = alice.user_id) {
			const {secondFactor} = app.application.services;
			const {secret} = await secondFactor.beginTotp(userId as UserId);
			await secondFactor.confirmTotp(userId as UserId, show(secret, -1), 'test');
			return (steps = 0) => show(secret, steps);
		},
	};
}

/** Signs the client out, so that the account is as one that nobody has used yet. */
export async function leaveUnused({app, alice}: Pick<Desk, 'app' | 'alice'>): Promise<void> {
	await call(app, 'POST', '/_matrix/client/v3/logout', {token: alice.access_token});
}

/** Gives name and password on the sign-in page. */
export async function givePassword(
	app: App,
	path = SIGN_IN,
	username = 'alice',
): Promise<{visitor: Visitor; visit: Visit}> {
	const visitor = new Visitor(app);
	await visitor.open(path);
	return {visitor, visit: await visitor.submit(path, {username, password: passwordOf(username)})};
}

/** Signs in by password and code. */
export async function signIn(app: App, code: string): Promise<Visitor> {
	const {visitor} = await givePassword(app);
	await visitor.open(SECOND_STEP);
	const {to} = await visitor.submit(SECOND_STEP, {code});
	if (to !== '/account') throw new Error(`expected to be signed in, got ${to}`);
	return visitor;
}

/** As far as authenticators look at them. */
interface PasskeyOptions {
	readonly challenge: string;
	readonly rp: {readonly id?: string};
	readonly rpId?: string;
	readonly user: {readonly id: string};
}

/** The options that the page's script would give to the browser. */
export function optionsOf({text}: Visit): PasskeyOptions {
	const found = /data-options="([^"]*)"/u.exec(text)?.[1];
	if (found === undefined) throw new Error('expected a page that asks for a passkey');
	return JSON.parse(found.replaceAll('&quot;', '"').replaceAll('&amp;', '&')) as PasskeyOptions;
}
