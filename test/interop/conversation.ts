/**
 * The main job: a conversation between two people whose organisations each run a server, through everything that
 * happens to servers in a year.
 */
import type {ServerProcess} from '../harness/index.ts';

/** Somebody with a client. Waiting ends with an error that says what did not come. */
export interface Person extends Disposable {
	readonly userId: string;
	/** Creates a room of the version and invites `guest`; the room's id. */
	createRoom(guest: string, roomVersion: string): Promise<string>;
	/** Waits for the invite and joins. */
	accept(roomId: string): Promise<void>;
	/** Waits until the client knows that `userId` has joined. */
	meet(roomId: string, userId: string): Promise<void>;
	/** Says something; tried again with the same transaction id while the server is away. */
	say(roomId: string, body: string): Promise<void>;
	/** Waits until all of `bodies` can be read in the room. */
	hear(roomId: string, bodies: readonly string[], timeoutMs?: number): Promise<void>;
}

/** A person and the server of their organisation. */
export interface Side {
	readonly server: ServerProcess;
	readonly person: Person;
}

const SENT_WHILE_AWAY = 200;

/** What was reached, for the log of the test. */
type Report = (step: string) => void;

/** Goes through it all; the room's id. */
export async function converse(here: Side, there: Side, roomVersion: string, report: Report): Promise<string> {
	const roomId = await here.person.createRoom(there.person.userId, roomVersion);
	await there.person.accept(roomId);
	await here.person.meet(roomId, there.person.userId);
	report('joined');
	await exchange(here, there, roomId, 'at first');
	report('messages both ways');
	for (const side of [here, there]) {
		const other = side === here ? there : here;
		await side.server.stop();
		await other.person.say(roomId, `while ${side.server.name} restarts`);
		await side.server.start();
		await side.person.hear(roomId, [`while ${side.server.name} restarts`]);
		await exchange(here, there, roomId, `after the restart of ${side.server.name}`);
		report('messages both ways after a restart');
	}
	for (const side of [here, there]) {
		await side.server.kill();
		await side.server.start();
		await exchange(here, there, roomId, `after the death of ${side.server.name}`);
		report('messages both ways after SIGKILL');
	}
	await there.server.kill();
	const missed = Array.from({length: SENT_WHILE_AWAY}, (_, index) => `while away, ${index}`);
	for (const body of missed) await here.person.say(roomId, body);
	await there.server.start();
	await there.person.hear(roomId, missed);
	await exchange(here, there, roomId, 'at last');
	report(`${SENT_WHILE_AWAY} messages after an absence`);
	return roomId;
}

/** Three sentences from each, in turn, each heard on the other side. */
async function exchange(here: Side, there: Side, roomId: string, when: string): Promise<void> {
	for (let index = 0; index < 3; index += 1) {
		await here.person.say(roomId, `${when}, a question ${index}`);
		await there.person.hear(roomId, [`${when}, a question ${index}`]);
		await there.person.say(roomId, `${when}, an answer ${index}`);
		await here.person.hear(roomId, [`${when}, an answer ${index}`]);
	}
}
