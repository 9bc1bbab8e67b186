export {allocateAddress, findFreePort} from './addresses.ts';
export {
	APP_SERVER_NAME,
	type App,
	type AppOptions,
	cheapPasswords,
	type Lifetime,
	memberContent,
	startApp,
	startApps,
} from './app.ts';
export {type CertificateAuthority, type CertificateFiles, createAuthority} from './certificates.ts';
export {
	type Answer,
	type CallOptions,
	type ClientTarget,
	call,
	login,
	passwordOf,
	register,
	registerBySecret,
	request,
	type Session,
	until,
} from './client.ts';
export {
	type CrossSigningKeys,
	createCrossSigningKeys,
	createPersonalKey,
	createTestDevice,
	type PersonalKey,
	type TestDevice,
} from './device.ts';
export {checkConformance, checkHeaders} from './conformance.ts';
export {discretionOf, FACTS_OF_TESTS} from './discretion.ts';
export {Line} from './line.ts';
export {type ArrivedMail, linkIn, type MailServer, startMailServer} from './mail-server.ts';
export {ManualClock} from './manual-clock.ts';
export {findPostgres, PostgresServer} from './postgres.ts';
export {type ServerPlace, ServerProcess} from './process.ts';
export {createSeededRandom, type SeededRandom} from './seeded-random.ts';
export {
	REGISTRATION_SHARED_SECRET,
	SERVER_PROGRAM,
	type ServerOptions,
	type Servers,
	startServer,
	startServers,
} from './server-process.ts';
export {readShared, sharedFile, testsWithShared} from './shared.ts';
export {signInOnPage, type Visit, Visitor} from './visitor.ts';
export {approveWaiting, fieldsOfWaiting} from './waiting.ts';
export {type KnownRoom, type Neighbours, path, type SignedAnswer, SignedPeer, startNeighbours} from './signed-peer.ts';
