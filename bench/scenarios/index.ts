/** The table of all scenarios, in the order in which they run. */
import type {Scenario} from '../scenario.ts';
import {crowd} from './crowd.ts';
import {fanOut} from './fan-out.ts';
import {federation} from './federation.ts';
import {floor} from './floor.ts';
import {keysClaim, keysQuery, keysUpload, toDevice} from './keys.ts';
import {memory} from './memory.ts';
import {overload} from './overload.ts';
import {remoteJoin} from './remote-join.ts';
import {send, sendRooms} from './send.ts';
import {signatures} from './signatures.ts';
import {sliding} from './sliding.ts';
import {messages, syncRooms} from './sync.ts';

export const SCENARIOS: readonly Scenario[] = [
	floor,
	send,
	sendRooms,
	fanOut,
	crowd,
	syncRooms,
	sliding,
	messages,
	keysUpload,
	keysQuery,
	keysClaim,
	toDevice,
	federation,
	signatures,
	remoteJoin,
	overload,
	memory,
];
