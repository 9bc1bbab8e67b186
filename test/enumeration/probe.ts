/** The table's words: who asks what about whom. */
import type {RoomId, UserId} from '../../crypto/index.ts';
import type {SignedPeer} from '../harness/index.ts';
import type {Subject, SubjectKind} from './subjects.ts';

/** Somebody with no account here, somebody with one who shares nothing with anybody, and a server that shares nothing. */
export type Asker = 'outsider' | 'stranger' | 'server';

/** How the server under test is set up. */
export type ConfigurationName = 'default' | 'open' | 'token';

/** One request of a probe. */
export interface Question {
	readonly method: string;
	readonly uri: string;
	/** Sent as JSON. */
	readonly body?: unknown;
	/** The very text of a body, in place of `body`. */
	readonly text?: string;
	/** The address of this machine to ask from. */
	readonly from?: string;
	/** Beside those that say who asks. */
	readonly headers?: Readonly<Record<string, string>>;
}

/** What a probe is given to make its questions of. */
export interface Means {
	/** Gives another number each time. */
	readonly next: () => number;
	/** The name of the server under test. */
	readonly serverName: string;
	/** The registered stranger. */
	readonly stranger: {readonly userId: string; readonly token: string};
	/** Makes a room of the stranger's for one purpose, or gives it again. */
	readonly roomFor: (purpose: string) => Promise<string>;
	/** The strange server. */
	readonly peer: SignedPeer;
	/** Somebody of the strange server. */
	readonly peerUserId: UserId;
	/** A room of the strange server, of which nobody here knows. */
	readonly newPeerRoom: () => RoomId;
}

/** One way to ask whether something is here. */
export interface Probe {
	/** Of the enumeration surface. */
	readonly row: number;
	/** What is done, in few words. */
	readonly title: string;
	readonly asker: Asker;
	readonly about: SubjectKind;
	/** Makes the questions, which are asked one after the other; their answers together are the answer. */
	ask(subject: Subject, means: Means): Question | readonly Question[] | Promise<Question | readonly Question[]>;
	/** Where it makes sense; default: wherever the asker is a stranger to the subject. */
	readonly on?: readonly ConfigurationName[];
	/** Whether names of another form than those of people are told so, which says nothing of anybody. */
	readonly isFormTold?: boolean;
	/** Whether answers may differ, within a budget that the recipe of limits counts. */
	readonly isBounded?: readonly ConfigurationName[];
	/** What no answer may have in it. */
	readonly forbidden?: RegExp;
	/** Whether it leaves something behind that the asker might read later: the recipe of side effects reads it. */
	readonly leavesTraces?: boolean;
	/** Whether who asks may learn the keys of whom it was about, as an inviter does, within a budget. */
	readonly givesKeys?: boolean;
	/** Each subject can be asked about only once, since the question makes it exist. */
	readonly isUsedUp?: boolean;
	/** Whether the time of answers is measured. */
	readonly isTimed?: boolean;
	/** Answers of each side whose time is taken at most, where each costs the server much. */
	readonly timedMax?: number;
	/** Names asked about at most, each side, where one answer is slow or leaves much behind. */
	readonly samplesMax?: number;
	/** Needs rate limits as they are by default; without them it is left out. */
	readonly needsLimits?: boolean;
}

/** Makes probes of one asker about one kind of subject. */
export const probesOf =
	(asker: Asker, about: SubjectKind) =>
	(row: number, title: string, ask: Probe['ask'], over: Partial<Probe> = {}): Probe => ({
		row,
		title,
		asker,
		about,
		ask,
		...over,
	});

/** A row of the enumeration surface. */
export interface Row {
	readonly number: number;
	readonly surface: string;
	readonly probes: readonly Probe[];
	/** A class whose answers are those of other rows. */
	readonly ofClass?: string;
}
