/** A certificate authority of our own, for servers of one test that must trust each other and nobody else. */
import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, writeFileSync} from 'node:fs';
import {isIP} from 'node:net';
import {join} from 'node:path';

const KEY_ARGUMENTS = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

const subject = (name: string) => ['-subj', `/CN=${name}`];

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

/** Makes an authority in `directory` (made if absent), with openssl; valid for 30 days. */
export function createAuthority(directory: string): CertificateAuthority {
	mkdirSync(directory, {recursive: true});
	const run = (...args: string[]) => execFileSync('openssl', args, {cwd: directory, stdio: 'pipe'});
	run('req', '-x509', ...KEY_ARGUMENTS, '-days', '30', ...subject('test'), '-keyout', 'ca.key', '-out', 'ca.crt');
	return {
		certificate: join(directory, 'ca.crt'),
		issue(host) {
			const files = {certificate: join(directory, `${host}.crt`), key: join(directory, `${host}.key`)};
			if (existsSync(files.certificate)) return files;
			const names = `subjectAltName=${isIP(host) === 0 ? 'DNS' : 'IP'}:${host}\n`;
			writeFileSync(join(directory, `${host}.ext`), names);
			run('req', ...KEY_ARGUMENTS, ...subject(host), '-keyout', `${host}.key`, '-out', `${host}.csr`);
			const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30'];
			run('x509', '-req', '-in', `${host}.csr`, ...signing, '-extfile', `${host}.ext`, '-out', `${host}.crt`);
			return files;
		},
	};
}
