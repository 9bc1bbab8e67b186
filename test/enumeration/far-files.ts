/** Files of the strange server: some that people here have fetched, and some that nobody has. */
import type {SignedPeer} from '../harness/index.ts';
import type {Subject} from './subjects.ts';
import type {Target} from './target.ts';

const BOUNDARY = 'enumeration';

/** The strange server has every file that it is asked for, and they are all the same. */
function serveFiles(peer: SignedPeer): void {
	const before = peer.answer;
	peer.answer = (request) => {
		if (!request.url.startsWith('/_matrix/federation/v1/media/download/')) return before(request);
		const parts = ['Content-Type: application/json\r\n\r\n{}', 'Content-Type: text/plain\r\n\r\nA file'];
		const body = `${parts.map((part) => `--${BOUNDARY}\r\n${part}\r\n`).join('')}--${BOUNDARY}--\r\n`;
		return {headers: {'content-type': `multipart/mixed; boundary=${BOUNDARY}`}, body};
	};
}

/** Makes them. @param token of somebody here, who fetches the first half */
export async function makeFarFiles(target: Target, peer: SignedPeer, token: string, count: number): Promise<Subject[]> {
	serveFiles(peer);
	const subjects: Subject[] = [];
	for (let index = 0; index < count; index += 1) {
		for (const isHere of [true, false]) {
			const name = `${peer.name}/${isHere ? 'a' : 'b'}${String(index).padStart(20, '0')}`;
			if (isHere) {
				const uri = `${target.url}/_matrix/client/v1/media/download/${name}`;
				const reply = await fetch(uri, {headers: {authorization: `Bearer ${token}`}});
				if (reply.status !== 200) throw new Error(`expected the file of the other server, got ${reply.status}`);
				await reply.arrayBuffer();
			}
			subjects.push({kind: 'farFile', class: isHere ? 'fetched by somebody' : 'never fetched', isHere, name});
		}
	}
	return subjects;
}
