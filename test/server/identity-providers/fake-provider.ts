/** An OpenID Connect provider that says what a test wants it to, lies included. */
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import {text} from 'node:stream/consumers';
import type {ExecutionContext} from 'ava';
import {type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT} from 'jose';

/** What the provider's next ID token is to be. */
export interface Wish {
	/** Over the claims that it should have. */
	readonly claims?: JWTPayload;
	/** `other`: signed by somebody else under the same key id; `none`: not signed. */
	readonly signature?: 'own' | 'other' | 'none';
}

/** The event of a logout token. */
const LOGOUT = {'http://schemas.openid.net/event/backchannel-logout': {}};

/** A provider with one person, who always consents. */
export class FakeProvider {
	readonly issuer: string;
	/** Who comes back from it. */
	person: JWTPayload = {sub: 'person-1', preferred_username: 'ada', sid: 'session-1'};
	wish: Wish = {};
	/** Over its document of addresses. */
	document: object = {};
	/** The last that it was asked for, in the query of its authorization endpoint. */
	asked = new URLSearchParams();
	readonly #codes = new Map<string, URLSearchParams>();
	readonly #own: {readonly privateKey: CryptoKey; readonly publicKey: CryptoKey};
	readonly #other: {readonly privateKey: CryptoKey};

	private constructor(issuer: string, own: CryptoKeyPairOf, other: CryptoKeyPairOf) {
		this.issuer = issuer;
		this.#own = own;
		this.#other = other;
	}

	/** Starts one on this machine; the test's end ends it. */
	static async start(t: ExecutionContext): Promise<FakeProvider> {
		const [own, other] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')]);
		let provider: FakeProvider | undefined;
		const server = createServer((request, response) => void provider?.answer(request, response));
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		t.teardown(() => server.close());
		const {port} = server.address() as AddressInfo;
		provider = new FakeProvider(`http://127.0.0.1:${port}`, own, other);
		return provider;
	}

	/** Signs the end of a session. */
	async signLogout(claims: JWTPayload = {}, signature: Wish['signature'] = 'own'): Promise<string> {
		const about = {iss: this.issuer, aud: 'broadsheet', sub: this.person.sub ?? '', events: LOGOUT};
		return this.#sign({...about, jti: `jti-${Math.random()}`, ...claims}, signature);
	}

	/** What the provider's page does for who comes to it: sends them back with a code. */
	authorize(url: string): string {
		this.asked = new URL(url).searchParams;
		const code = `code-${this.#codes.size}`;
		this.#codes.set(code, this.asked);
		const back = new URL(this.asked.get('redirect_uri') ?? '');
		back.search = new URLSearchParams({code, state: this.asked.get('state') ?? '', iss: this.issuer}).toString();
		return back.pathname + back.search;
	}

	async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const send = (body: object, status = 200): void => {
			response.writeHead(status, {'content-type': 'application/json'}).end(JSON.stringify(body));
		};
		const {issuer} = this;
		if (request.url === '/.well-known/openid-configuration') {
			send({
				issuer,
				authorization_endpoint: `${issuer}/authorize`,
				token_endpoint: `${issuer}/token`,
				jwks_uri: `${issuer}/jwks`,
				response_types_supported: ['code'],
				subject_types_supported: ['public'],
				id_token_signing_alg_values_supported: ['ES256'],
				authorization_response_iss_parameter_supported: true,
				...this.document,
			});
			return;
		}
		if (request.url === '/jwks') {
			send({keys: [{...(await exportJWK(this.#own.publicKey)), kid: 'key', alg: 'ES256', use: 'sig'}]});
			return;
		}
		const form = new URLSearchParams(await text(request));
		const asked = this.#codes.get(form.get('code') ?? '');
		const verifier = Buffer.from(form.get('code_verifier') ?? '');
		const digest = Buffer.from(await crypto.subtle.digest('SHA-256', verifier)).toString('base64url');
		if (asked === undefined || digest !== asked.get('code_challenge')) {
			send({error: 'invalid_grant'}, 400);
			return;
		}
		this.#codes.delete(form.get('code') ?? '');
		const {claims, signature} = this.wish;
		const token = {iss: issuer, aud: 'broadsheet', nonce: asked.get('nonce') ?? '', ...this.person, ...claims};
		send({access_token: 'a', token_type: 'Bearer', id_token: await this.#sign(token, signature)});
	}

	#sign(payload: JWTPayload, signature: Wish['signature'] = 'own'): string | Promise<string> {
		if (signature === 'none') return new UnsecuredJWT(payload).setIssuedAt().setExpirationTime('5m').encode();
		const jwt = new SignJWT(payload).setProtectedHeader({alg: 'ES256', kid: 'key'}).setIssuedAt();
		if (payload.exp === undefined) jwt.setExpirationTime('5m');
		return jwt.sign(signature === 'own' ? this.#own.privateKey : this.#other.privateKey);
	}
}

type CryptoKeyPairOf = Awaited<ReturnType<typeof generateKeyPair>>;
