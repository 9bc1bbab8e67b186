/**
 * Public keys, as unpadded base64, whose private half is known to strangers: nothing signed with them proves anything,
 * whatever server publishes them. One row each, with where it became known.
 */
const rows: readonly {readonly publicKey: string; readonly leakedBy: string}[] = [
	{
		publicKey: 'l/O9hxMVKB6Lg+3Hqf0FQQZhVESQcMzbPN1Cz2nM3og',
		leakedBy: 'CVE-2026-24044: charts that made every server key from a generator with the seed 0',
	},
];

export const leakedPublicKeys: ReadonlySet<string> = new Set(rows.map((row) => row.publicKey));
