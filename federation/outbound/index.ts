export type {AddressPolicy} from './addresses.ts';
export {
	createFederationClient,
	type FederationAnswer,
	type FederationClient,
	type FederationClientOptions,
	type FederationRequest,
	path,
	type RequestLimits,
} from './client.ts';
export {BodyTooLargeError} from './body.ts';
export {LISTENER_PACE, nextFailure, timeUntilRetry} from './backoff.ts';
export {type Network, openConnection, type Target} from './connect.ts';
export {
	askPublic,
	type FetchedAnswer,
	type FetchLimits,
	fetchPublic,
	postPublic,
	type StreamedAnswer,
	type StreamLimits,
	streamPublic,
} from './fetch-public.ts';
export type {Discovery, Route} from './discovery.ts';
export {OutboundError, type OutboundErrorCode, type RemoteAnswer, RemoteError} from './errors.ts';
export {createKeySource, type KeySource} from './fetch-keys.ts';
export {readKeyDocument, type ServerKey} from './key-document.ts';
export {createKeyStore} from './key-store.ts';
export {
	Keyring,
	type KeyringNotice,
	type KeyringOptions,
	type KeyQuery,
	type KeyStore,
	type ValidAt,
} from './keyring.ts';
export {createNetwork, createNetworkDiscovery, type NetworkSettings} from './network.ts';
export {PublishedKeys, type PublishedKeysOptions} from './published-keys.ts';
export {
	createHttpsTransport,
	type HttpsTransport,
	type HttpsTransportOptions,
	type StreamedResponse,
} from './transport.ts';
export {
	buildAuthorization,
	checkRequestHead,
	type HeadVerdict,
	type InboundRequest,
	parseAuthorization,
	type RequestFault,
	type RequestToSign,
	type RequestVerdict,
	type RequestVerifierOptions,
	verifyRequest,
	type XMatrix,
} from './x-matrix.ts';
export {FEDERATED_KINDS} from './recent-changes.ts';
export {
	createRemoteDirectory,
	type RemoteDirectory,
	type RemoteDirectoryQuery,
	type RemoteSpace,
	type RemoteSummary,
	type SpaceChild,
} from './remote-directory.ts';
export {createRemoteEvents} from './remote-events.ts';
export {createSignatureChecker, type Strangers, type VerifyMany} from './signatures.ts';
export type {SenderNotice} from './destination.ts';
export {createEdu, type Edu} from './edus.ts';
export {FederationSender, type FederationSenderOptions, type SenderFigures} from './sender.ts';
export {createRemoteQueries, type RemoteDevices, type RemoteKeys, type RemoteQueries} from './remote-queries.ts';
export {
	COMPLETE_ROOM,
	createRemoteRooms,
	type RemoteInvite,
	type RemoteMembership,
	RemoteRoomError,
	type RemoteRoomErrorCode,
	type RemoteRooms,
	type RemoteRoomsOptions,
} from './remote-rooms.ts';
export {createPolicyServers} from './policy-servers.ts';
export {limitShownState, readStrippedState} from './stripped-state.ts';
