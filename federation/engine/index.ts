export {
	type Clock,
	type Random,
	type Timer,
	type Transport,
	TransportError,
	type TransportErrorCode,
	type TransportRequest,
	type TransportResponse,
} from './seams.ts';
export {pause, waitForTick} from './pause.ts';
export {systemClock, systemRandom} from './system-seams.ts';
export {UNKNOWN_KEY, UNOBTAINABLE_KEY} from './engine.ts';
export type {
	AlsoWrite,
	CreateRoomRequest,
	Engine,
	EventProto,
	EventTemplate,
	ImportRoomRequest,
	OutsideMembershipRequest,
	ReceiveRequest,
	Reception,
	RemoteEvents,
	RoomView,
	SendRequest,
	SentEvent,
	SignatureChecker,
	StoredEvent,
} from './engine.ts';
export type {PolicyAnswer, PolicyRefusal, PolicyServers} from './recommend.ts';
export {EngineError, type EngineErrorCode} from './errors.ts';
export {createEngine, type EngineOptions} from './create-engine.ts';
export {isRelation} from './relations.ts';
