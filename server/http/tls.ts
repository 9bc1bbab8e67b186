import {X509Certificate} from 'node:crypto';
import {readFileSync, statSync} from 'node:fs';
import {createSecureContext, type SecureContext} from 'node:tls';
import {ListenError} from './listen-error.ts';

/** Files of one certificate: its chain and its key, in PEM. */
export interface TlsFiles {
	readonly certificate: string;
	readonly key: string;
}

interface Entry {
	readonly files: TlsFiles;
	readonly stamp: string;
	readonly pem: {readonly cert: Buffer; readonly key: Buffer};
	readonly context: SecureContext;
	/** Lower-case DNS names, `*.` at the front of wildcards. */
	readonly names: readonly string[];
}

/** Certificates of a listener, chosen by the name a client asks for and read again when their files change. */
export class CertificateStore {
	readonly #files: readonly TlsFiles[];
	#entries: readonly Entry[];

	/** @throws Error naming the file that cannot be read or is no certificate or key */
	constructor(files: readonly TlsFiles[]) {
		this.#files = files;
		this.#entries = files.map((file) => load(file));
	}

	/** The first certificate, for clients that name no server. */
	get first(): {readonly cert: Buffer; readonly key: Buffer} {
		return this.#entries[0]!.pem;
	}

	/** The certificate for a name; the first one where none has it. */
	find(name: string): SecureContext {
		const wanted = name.toLowerCase();
		const wildcard = wanted.replace(/^[^.]+/u, '*');
		const entry = this.#entries.find(({names}) => names.includes(wanted) || names.includes(wildcard));
		return (entry ?? this.#entries[0]!).context;
	}

	/**
	 * Reads files that changed. Connections that stand keep what they have, and a certificate whose files are not usable
	 * stays in use as it was: it keeps none of the others from being renewed.
	 * @returns whether any has changed, and what is wrong with each that is not usable
	 */
	reload({force = false}: {readonly force?: boolean} = {}): {
		readonly hasChanged: boolean;
		readonly problems: readonly ListenError[];
	} {
		const problems: ListenError[] = [];
		const entries = this.#files.map((files, index) => {
			const old = this.#entries[index]!;
			try {
				return force || stampOf(files) !== old.stamp ? load(files) : old;
			} catch (error) {
				problems.push(unusable(files, error));
				return old;
			}
		});
		const hasChanged = entries.some((entry, index) => entry !== this.#entries[index]);
		this.#entries = entries;
		return {hasChanged, problems};
	}
}

function stampOf({certificate, key}: TlsFiles): string {
	return [certificate, key].map((file) => `${statSync(file).mtimeMs}:${statSync(file).size}`).join(' ');
}

function load(files: TlsFiles): Entry {
	try {
		const stamp = stampOf(files);
		const cert = readFileSync(files.certificate);
		const key = readFileSync(files.key);
		const {subjectAltName = ''} = new X509Certificate(cert);
		const names = subjectAltName
			.split(', ')
			.filter((name) => name.startsWith('DNS:'))
			.map((name) => name.slice(4).toLowerCase());
		return {files, stamp, names, pem: {cert, key}, context: createSecureContext({cert, key, minVersion: 'TLSv1.2'})};
	} catch (cause) {
		throw unusable(files, cause);
	}
}

function unusable({certificate, key}: TlsFiles, cause: unknown): ListenError {
	if (cause instanceof ListenError) return cause;
	const text = cause instanceof Error ? cause.message : String(cause);
	return new ListenError(`Cannot use the certificate ${certificate} with the key ${key}: ${text}`, {cause});
}
