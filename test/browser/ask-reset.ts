/** A client that signed in by OAuth and wants to replace its person's keys. */
import {type Answer, type App, call, createCrossSigningKeys, createTestDevice, request} from '../harness/index.ts';
import {signIn, whoami} from '../server/api/oauth/client.ts';

const KEYS = '/_matrix/client/v3/keys';

/** What a client is told that asks for it. */
export interface AskedReset {
	readonly session: string;
	/** Where its person is sent. */
	readonly url: string;
	/** Replaces the keys, if that is allowed by now. */
	readonly replace: () => Promise<Answer<unknown>>;
}

/** Has a client of somebody ask. */
export async function askReset(app: App, userId: string): Promise<AskedReset> {
	const {access_token: token} = await signIn(app, userId);
	const device = createTestDevice({access_token: token, ...(await whoami(app, token))});
	await call(app, 'POST', `${KEYS}/upload`, {token, body: {device_keys: device.deviceKeys}});
	const upload = (auth?: object) =>
		request<{session: string; params: Record<string, {url: string}>}>(app, 'POST', `${KEYS}/device_signing/upload`, {
			token,
			body: {...createCrossSigningKeys(userId, device).body, ...(auth && {auth})},
		});
	await upload();
	const {session, params} = (await upload()).body;
	return {session, url: params['m.oauth']?.url ?? '', replace: () => upload({session})};
}
