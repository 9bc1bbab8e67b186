import type {JsonObject, ServerName} from '../../crypto/index.ts';

/** An ephemeral data unit of a partner server: its content is whatever that server likes. */
export interface Edu {
	readonly type: string;
	readonly content: JsonObject;
}

/**
 * Takes one type of EDU. Whoever implements it checks the content, and that every user named as acting belongs to
 * `origin`; what is malformed or not allowed is dropped without a word, so that it costs no other EDU anything.
 */
export type EduReceiver = (origin: ServerName, content: JsonObject) => Promise<void>;

/** Who takes which EDU, by `edu_type`; types that are not here are ignored. */
export type EduReceivers = Readonly<Record<string, EduReceiver>>;
