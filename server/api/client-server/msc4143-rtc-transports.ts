import {route} from '../route.ts';

/**
 * Lists how clients take part in a call of several people.
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/4143
 */
export const getRtcTransports = route({
	id: 'getRtcTransports',
	method: 'GET',
	path: '/_matrix/client/unstable/org.matrix.msc4143/rtc/transports',
	auth: 'guest',
	handle: (_request, {calls}) => ({rtc_transports: calls.transports}),
});
