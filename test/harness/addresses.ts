/** Loopback addresses and ports for servers that are processes of their own. */
import {randomInt} from 'node:crypto';
import {createServer} from 'node:net';

const taken = new Set<string>();

/**
 * Gives an IPv4 loopback address that no other server of this process has. Every test process draws from the whole of
 * 127.16.0.0 to 127.254.254.254, so that tests that run side by side do not meet; ports are probed all the same.
 */
export function allocateAddress(): string {
	for (;;) {
		const address = `127.${randomInt(16, 255)}.${randomInt(0, 255)}.${randomInt(1, 255)}`;
		if (taken.has(address)) continue;
		taken.add(address);
		return address;
	}
}

/** Gives a TCP port that was free on `address` a moment ago. */
export async function findFreePort(address: string): Promise<number> {
	const probe = createServer();
	await new Promise<void>((resolve, reject) => {
		probe.once('error', reject);
		probe.listen(0, address, resolve);
	});
	const bound = probe.address();
	await new Promise<void>((resolve) => {
		probe.close(() => resolve());
	});
	if (bound === null || typeof bound === 'string') throw new Error(`expected a port on ${address}, got ${bound}`);
	return bound.port;
}
