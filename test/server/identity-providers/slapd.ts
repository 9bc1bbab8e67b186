/** A directory of the test's own: OpenLDAP's server from the machine's binaries, on loopback, with its data in a folder. */
import {execFileSync, spawn} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {connect} from 'node:net';
import {createAuthority, findFreePort, until} from '../../harness/index.ts';

const PROGRAM = '/usr/sbin/slapd';
const SCHEMA = '/etc/ldap/schema';
const ADDRESS = '127.0.0.1';

/** Why tests that need a directory are skipped; `undefined`: they are not. */
export const slapdMissing = existsSync(PROGRAM) ? undefined : `no ${PROGRAM} on this machine`;

/** A running directory. */
export interface Directory {
	/** Without TLS, and where `startTLS` is understood. */
	readonly url: string;
	readonly tlsUrl: string;
	/** A PEM file. */
	readonly authority: string;
	/** Who may search it. */
	readonly bindDn: string;
	readonly bindPassword: string;
	readonly base: string;
	/** What it was asked for since the last time, in its own words, without what differs each time. */
	takeOperations(): string[];
}

const BASE = 'dc=house,dc=example';

/** The entries of people: uid and password. Some have names that mean something to a filter or a DN. */
function entriesOf(people: Readonly<Record<string, string>>): string {
	const head = `dn: ${BASE}
objectClass: dcObject
objectClass: organization
o: house
dc: house

dn: ou=people,${BASE}
objectClass: organizationalUnit
ou: people
`;
	const rows = Object.entries(people).map(
		([uid, password]) => `
dn: uid=${uid.replaceAll('+', '\\+').replaceAll('=', '\\=')},ou=people,${BASE}
objectClass: inetOrgPerson
uid: ${uid}
cn: ${uid}
sn: ${uid}
userPassword: ${password}
`,
	);
	return head + rows.join('');
}

/** Starts a directory with these people; the test's end ends it. */
export async function startSlapd(t: ExecutionContext, people: Readonly<Record<string, string>>): Promise<Directory> {
	const folder = mkdtempSync(join(tmpdir(), 'broadsheet-slapd-'));
	t.teardown(() => rmSync(folder, {recursive: true, force: true}));
	const data = join(folder, 'data');
	mkdirSync(data);
	const authority = createAuthority(join(folder, 'tls'));
	const {certificate, key} = authority.issue(ADDRESS);
	const [port, tlsPort] = [await findFreePort(ADDRESS), await findFreePort(ADDRESS)];
	const file = join(folder, 'slapd.conf');
	writeFileSync(
		file,
		`include ${SCHEMA}/core.schema
include ${SCHEMA}/cosine.schema
include ${SCHEMA}/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${join(folder, 'pid')}
argsfile ${join(folder, 'args')}
TLSCACertificateFile ${authority.certificate}
TLSCertificateFile ${certificate}
TLSCertificateKeyFile ${key}
database mdb
maxsize 10485760
suffix "${BASE}"
directory ${data}
rootdn "cn=service,${BASE}"
rootpw service-password
access to attrs=userPassword by anonymous auth
access to * by users read
`,
	);
	const entries = join(folder, 'entries.ldif');
	writeFileSync(entries, entriesOf(people));
	execFileSync('/usr/sbin/slapadd', ['-f', file, '-l', entries], {stdio: 'pipe'});
	const urls = [`ldap://${ADDRESS}:${port}`, `ldaps://${ADDRESS}:${tlsPort}`];
	// It tells every operation, and by that stays in the foreground.
	const child = spawn(PROGRAM, ['-f', file, '-h', urls.join(' '), '-d', 'stats'], {
		stdio: ['ignore', 'ignore', 'pipe'],
	});
	let told = '';
	child.stderr.setEncoding('utf8').on('data', (text: string) => {
		told += text;
	});
	const ended = new Promise((resolve) => child.once('exit', resolve));
	t.teardown(async () => {
		child.kill();
		await ended;
	});
	await until(() => isListening(tlsPort), 'slapd to listen');
	const [url = '', tlsUrl = ''] = urls;
	return {
		url,
		tlsUrl,
		authority: authority.certificate,
		bindDn: `cn=service,${BASE}`,
		bindPassword: 'service-password',
		base: BASE,
		takeOperations() {
			const lines = told.split('\n').slice(0, -1);
			told = told.slice(told.lastIndexOf('\n') + 1);
			return lines.flatMap((line) => /conn=\d+ (?:fd|op)=\d+ (?<what>.*)/u.exec(line)?.groups?.['what'] ?? []);
		},
	};
}

function isListening(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect(port, ADDRESS);
		socket.once('connect', () => {
			socket.destroy();
			resolve(true);
		});
		socket.once('error', () => resolve(false));
	});
}
