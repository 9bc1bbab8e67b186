import {type JsonObject, parseMxcUri} from '../../crypto/index.ts';
import {RoomsError} from './errors.ts';

/** Where events say which picture stands for a room or a person. */
const AVATARS: Readonly<Record<string, string>> = {'m.room.avatar': 'url', 'm.room.member': 'avatar_url'};

/**
 * Checks the picture that a state event of ours names: one that is said to be a content URI must be one, for clients make
 * paths of its parts.
 * @throws RoomsError 'bad-event'
 */
export function checkAvatar(type: string, content: JsonObject): void {
	const key = AVATARS[type];
	const uri = key === undefined ? undefined : content[key];
	if (typeof uri === 'string' && /^mxc:/iu.test(uri) && parseMxcUri(uri) === undefined) {
		throw new RoomsError('bad-event', `'${key}' is wrong: expected a content URI, mxc://server/media`);
	}
}
