export type {Pdu, RoomVersionId, StateLookup, Verdict} from './pdu.ts';
