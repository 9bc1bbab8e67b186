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
export {systemClock, systemRandom} from './system-seams.ts';
