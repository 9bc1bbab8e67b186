/** A line between servers that a test can cut: what the others reach under a server's name is a proxy of ours. */
import {once} from 'node:events';
import {connect, createServer, type Socket} from 'node:net';

/** Leads connections to one server through, as bytes and both ways, until it is cut. TLS passes untouched. */
export class Line implements AsyncDisposable {
	readonly #server = createServer((outer) => this.#lead(outer));
	readonly #sockets = new Set<Socket>();
	#isCut = false;
	#target: {readonly address: string; readonly port: number} | undefined;

	/** Listens on a free port of `address` in front of `port` there; the port that the others are to use. */
	async open(address: string, port: number): Promise<number> {
		this.#target = {address, port};
		this.#server.listen(0, address);
		await once(this.#server, 'listening');
		const bound = this.#server.address();
		if (bound === null || typeof bound === 'string') throw new Error(`expected a port on ${address}, got ${bound}`);
		return bound.port;
	}

	/** Ends all connections, and each new one as soon as it is made. */
	cut(): void {
		this.#isCut = true;
		for (const socket of this.#sockets) socket.destroy();
	}

	mend(): void {
		this.#isCut = false;
	}

	#lead(outer: Socket): void {
		if (this.#isCut || this.#target === undefined) {
			outer.destroy();
			return;
		}
		const inner = connect(this.#target.port, this.#target.address);
		for (const [one, other] of [
			[outer, inner],
			[inner, outer],
		] as const) {
			this.#sockets.add(one);
			one.on('error', () => other.destroy());
			one.on('close', () => {
				this.#sockets.delete(one);
				other.destroy();
			});
			one.pipe(other);
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.cut();
		if (!this.#server.listening) return;
		this.#server.close();
		await once(this.#server, 'close');
	}
}
