import type {Position} from '../../storage/index.ts';

/** Up to where a client has been told. */
export interface SyncToken {
	/** Of the stream. */
	readonly pos: Position;
	/** Of what is in memory only; counts mean something within their epoch alone. */
	readonly epoch: string;
	readonly seq: number;
	/** Messages to the device up to here have been delivered; behind `pos` while there are more than fit an answer. */
	readonly toDevice: Position;
}

const form = /^s1\.(\d{1,16})\.([\w-]{1,32})\.(\d{1,16})(?:\.(\d{1,16}))?$/;

/** Writes a token. The first part of `/messages` tokens is the same: `readPlaceToken` of server/events reads these too. */
export function writeSyncToken({pos, epoch, seq, toDevice}: SyncToken): string {
	return `s1.${pos}.${epoch}.${seq}${toDevice === pos ? '' : `.${toDevice}`}`;
}

/** Reads a token; `undefined` for anything that this server cannot have given out. */
export function readSyncToken(text: string, now: Omit<SyncToken, 'toDevice'>): SyncToken | undefined {
	const match = form.exec(text);
	if (!match) return undefined;
	const pos = Number(match[1]);
	const epoch = match[2] ?? '';
	const seq = Number(match[3]);
	const toDevice = match[4] === undefined ? pos : Number(match[4]);
	if (pos > now.pos || toDevice > pos || (epoch === now.epoch && seq > now.seq)) return undefined;
	return {pos, epoch, seq, toDevice};
}
