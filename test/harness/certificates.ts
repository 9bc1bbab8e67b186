/** A certificate authority as files, for servers that are processes of their own and must trust each other alone. */
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {createTestAuthority} from './tls.ts';

/** Files of a certificate, as the configuration of a listener wants them. */
export interface CertificateFiles {
	readonly certificate: string;
	readonly key: string;
}

/** An authority that lives in a directory. */
export interface CertificateAuthority {
	/** The authority's own certificate (PEM), which the servers are told to trust. */
	readonly certificate: string;
	/** Issues a certificate for one IP address or host name; a second call gives the same files. */
	issue(host: string): CertificateFiles;
}

/** Makes an authority in `directory` (made if absent), or takes up the one that is there. */
export function createAuthority(directory: string): CertificateAuthority {
	mkdirSync(directory, {recursive: true});
	const certificate = join(directory, 'ca.crt');
	const keyFile = join(directory, 'ca.key');
	const authority = createTestAuthority(existsSync(keyFile) ? readFileSync(keyFile, 'utf8') : undefined);
	if (!existsSync(keyFile)) {
		writeFileSync(keyFile, authority.key, {mode: 0o600});
		writeFileSync(certificate, authority.certificate);
	}
	return {
		certificate,
		issue(host) {
			const files = {certificate: join(directory, `${host}.crt`), key: join(directory, `${host}.key`)};
			if (existsSync(files.certificate)) return files;
			const {cert, key} = authority.issue([host]);
			writeFileSync(files.key, key, {mode: 0o600});
			writeFileSync(files.certificate, cert);
			return files;
		},
	};
}
