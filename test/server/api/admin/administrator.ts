import {type App, login, passwordOf, request, type Session} from '../../../harness/index.ts';

/** Makes an administrator, and signs them in. */
export async function addAdministrator(app: App, name = 'root'): Promise<Session> {
	const {accounts} = app.application.services;
	await accounts.register({userId: accounts.checkNewName(name), password: passwordOf(name), isAdmin: true});
	return login(app, name);
}

/** What stands in the audit log, oldest first: who did what to whom. */
export async function listActs(app: App): Promise<(string | null)[][]> {
	const entries = await app.application.services.audit.list({limit: 1000});
	return entries.toReversed().map(({who, act, whom}) => [who, act, whom]);
}

/** Asks as a tool of administrators does. */
export function ask<T = Record<string, unknown>>(
	app: App,
	{access_token: token}: Session,
	[method, path, body]: readonly [method: string, path: string, body?: unknown],
) {
	return request<T>(app, method, `/_synapse/admin${path}`, {token, ...(body !== undefined && {body})});
}
