import type {RoomId} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {Clock} from './seams.ts';

/** Looks at a room again whenever its state changed as a whole, until it is as wanted; false where the time is up. */
export async function waitForState(
	{storage, clock}: {readonly storage: Pick<Storage, 'onCommitted'>; readonly clock: Clock},
	{roomId, timeoutMs}: {readonly roomId: RoomId; readonly timeoutMs: number},
	isAsWanted: () => Promise<boolean>,
): Promise<boolean> {
	if (await isAsWanted()) return true;
	let wake = (): void => undefined;
	let isNews = false;
	let isOver = false;
	// First of all, so that nothing comes between looking and waiting.
	const stop = storage.onCommitted((changes) => {
		if (!changes.some((change) => change.kind === 'state' && change.roomId === roomId)) return;
		isNews = true;
		wake();
	});
	const timer = clock.setTimer(timeoutMs, () => {
		isOver = true;
		wake();
	});
	try {
		for (;;) {
			isNews = false;
			if (await isAsWanted()) return true;
			if (isOver) return false;
			if (isNews) continue;
			await new Promise<void>((resolve) => {
				wake = resolve;
			});
		}
	} finally {
		timer.cancel();
		stop();
	}
}
