import type {RandomBytes} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import {createTurnCredentials, type TurnCredentials, type TurnRelay} from './turn-credentials.ts';

/** How clients take part in a call of several people. */
export interface RtcTransport {
	readonly type: 'livekit';
	readonly livekit_service_url: string;
}

/** What this server gives to calls; sound and picture never pass through it. */
export interface Calls {
	/** The ways into calls of several people, the same wherever clients look for them. */
	readonly transports: readonly RtcTransport[];
	/** Makes credentials for the relay of calls between two people; `undefined` where there is none. */
	findTurnCredentials(): TurnCredentials | undefined;
}

/** Makes the domain. */
export function createCalls({
	turn,
	rtc,
	clock,
	random,
}: {
	readonly turn: TurnRelay | undefined;
	readonly rtc: {readonly livekitServiceUrl: string} | undefined;
	readonly clock: Clock;
	readonly random: RandomBytes;
}): Calls {
	return {
		transports: rtc === undefined ? [] : [{type: 'livekit', livekit_service_url: rtc.livekitServiceUrl}],
		findTurnCredentials: () => turn && createTurnCredentials(turn, {clock, random}),
	};
}
