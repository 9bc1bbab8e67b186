import type {IncomingHttpHeaders} from 'node:http';
import type {Config} from '../../config/index.ts';

/** More cookies than this are not ours. */
const COOKIES_MAX = 50;

const LANGUAGE_SECONDS = 365 * 24 * 60 * 60;

/**
 * The cookies of our pages. Over https their names begin with `__Host-`: then no other host, and nobody who can meddle with
 * plain http, can have set them.
 */
export interface Cookies {
	/** The token of the browser's session. */
	readonly session: string | undefined;
	readonly language: string | undefined;
}

/** Reads our cookies out of a request. */
export function readCookies(config: Pick<Config, 'publicUrl'>, headers: IncomingHttpHeaders): Cookies {
	const pairs = (headers.cookie ?? '').split(';', COOKIES_MAX).map((pair): [string, string] => {
		const [name = '', value = ''] = pair.split('=', 2);
		return [name.trim(), value.trim()];
	});
	const values = new Map(pairs);
	return {
		session: values.get(cookieName(config, 'session')),
		language: values.get(cookieName(config, 'language')),
	};
}

/** Gives the browser the token of its session, until it is closed. */
export function sessionCookie(config: Pick<Config, 'publicUrl'>, token: string): string {
	return `${cookieName(config, 'session')}=${token}; ${attributes(config)}`;
}

/** Has the browser remember a language for a year. */
export function languageCookie(config: Pick<Config, 'publicUrl'>, tag: string): string {
	return `${cookieName(config, 'language')}=${tag}; Max-Age=${LANGUAGE_SECONDS}; ${attributes(config)}`;
}

function cookieName(config: Pick<Config, 'publicUrl'>, name: string): string {
	return isSecure(config) ? `__Host-matrix-${name}` : `matrix-${name}`;
}

function attributes(config: Pick<Config, 'publicUrl'>): string {
	return `Path=/; HttpOnly; SameSite=Lax${isSecure(config) ? '; Secure' : ''}`;
}

function isSecure({publicUrl}: Pick<Config, 'publicUrl'>): boolean {
	return publicUrl.startsWith('https:');
}
