/** What is asked about: names of one form, of things that are here in every way there is, and of things that are not. */
import type {SeededRandom} from '../harness/index.ts';
import {SERVICE_PREFIX} from './service.ts';

/** What a name is the name of. */
export type SubjectKind = 'person' | 'room' | 'event' | 'alias' | 'file' | 'farFile' | 'token' | 'server' | 'path';

/** One thing that a question is about. */
export interface Subject {
	readonly kind: SubjectKind;
	/** What it is: one of the classes below. */
	readonly class: string;
	/** Whether there is such a thing on the server. */
	readonly isHere: boolean;
	/** What is asked for, and left out of the answers when they are compared: a user id, a room id, an alias … */
	readonly name: string;
	/** The room of an event. */
	readonly roomId?: string;
}

/** What is done to an account to make it one of its class. */
export type Fate =
	| 'nothing'
	| 'deactivate'
	| 'erase'
	| 'lock'
	| 'suspend'
	| 'signOut'
	| 'blockInvites'
	| 'makeAdministrator'
	| 'bridge'
	| 'source';

/** A class of people. */
export interface PersonClass {
	readonly name: string;
	/** Absent: nobody has such a name. */
	readonly fate?: Fate;
	/** Whether keys, a profile and a room of their own are made before. */
	readonly hasPublished?: boolean;
	/** How many of a hundred names of their side, here or not, are of this class. */
	readonly share: number;
	/** What is done to the name; whoever knows the rules of names can tell these from others. */
	readonly form?: 'upperCase' | 'reserved' | 'ofService';
}

/** Every kind of name that somebody has, and of name that nobody has. */
export const PERSON_CLASSES: readonly PersonClass[] = [
	{name: 'somebody', fate: 'nothing', hasPublished: true, share: 30},
	{name: 'somebody without devices', fate: 'signOut', share: 10},
	{name: 'never published anything', fate: 'nothing', share: 10},
	{name: 'deactivated', fate: 'deactivate', hasPublished: true, share: 10},
	{name: 'deactivated and erased', fate: 'erase', hasPublished: true, share: 5},
	{name: 'locked', fate: 'lock', hasPublished: true, share: 10},
	{name: 'suspended', fate: 'suspend', hasPublished: true, share: 10},
	{name: 'takes no invites', fate: 'blockInvites', hasPublished: true, share: 10},
	{name: 'administrator', fate: 'makeAdministrator', share: 2},
	// Of an application service; made on our own servers only.
	{name: 'bridged', fate: 'bridge', hasPublished: true, share: 10},
	// Of a source link; likewise.
	{name: 'a source', fate: 'source', hasPublished: true, share: 10},
	{name: 'nobody', share: 70},
	{name: 'nobody, with capitals', share: 15, form: 'upperCase'},
	{name: 'nobody, reserved', share: 15, form: 'reserved'},
	// Whoever is asked about these might ask the service.
	{name: 'nobody, of a service', share: 10, form: 'ofService'},
];

/** Letters of a localpart: so many that nobody meets another's name by chance. */
const LOCALPART_LENGTH = 10;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** Gives localparts, all of one form and each only once. */
export function createNames(random: SeededRandom): (form?: PersonClass['form']) => string {
	const given = new Set<string>();
	return (form) => {
		for (;;) {
			const letters = Array.from({length: LOCALPART_LENGTH}, () => LETTERS[random.below(LETTERS.length)]).join('');
			if (given.has(letters) || letters.startsWith(SERVICE_PREFIX)) continue;
			given.add(letters);
			if (form === 'upperCase') return letters.toUpperCase();
			if (form === 'ofService') return SERVICE_PREFIX + letters.slice(SERVICE_PREFIX.length);
			return form === 'reserved' ? `_${letters.slice(1)}` : letters;
		}
	};
}

/** How many people of each class there are among so many who are here and as many who are not: at least one of each. */
export function countOf({share}: Pick<PersonClass, 'share'>, samples: number): number {
	return Math.max(1, Math.round((share * samples) / 100));
}
