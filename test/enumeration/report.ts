/** What was found, as verdicts on rows and as a table. */
import type {Options} from './options.ts';
import type {Asker, ConfigurationName, Probe, Row} from './probe.ts';

/** What one probe showed. */
export interface Finding {
	readonly row: number;
	readonly title: string;
	readonly asker: Asker;
	readonly configuration: ConfigurationName;
	/** By recipe: what tells the names apart; empty where nothing does. */
	readonly faults: Readonly<Record<string, readonly string[]>>;
	readonly isBounded: boolean;
	/** What tells them apart within a budget, such as the keys of those who were invited. */
	readonly boundedFaults: readonly string[];
	/** One of the answers, for people who wonder what was asked. */
	readonly answer: string;
	/** By class, whether its answer differed from that of names that nobody has. */
	readonly tellingClasses: readonly string[];
}

/** What is said of a row. */
export interface Verdict {
	readonly row: number;
	readonly surface: string;
	readonly verdict: string;
	readonly isFailed: boolean;
	readonly probes: number;
	readonly telling: number;
}

/** Starts the finding of a probe. */
export function toFinding(
	probe: Probe,
	configuration: ConfigurationName,
	{
		faults,
		boundedFaults,
		answer,
		tellingClasses,
	}: Pick<Finding, 'faults' | 'boundedFaults' | 'answer' | 'tellingClasses'>,
): Finding {
	const {row, title, asker, isBounded} = probe;
	return {
		row,
		title,
		asker,
		configuration,
		faults,
		isBounded: isBounded?.includes(configuration) === true,
		boundedFaults,
		answer,
		tellingClasses,
	};
}

const isTelling = ({faults}: Finding): boolean => Object.values(faults).some((list) => list.length > 0);

/** Judges rows by what their probes showed. */
export function judge(rows: readonly Row[], findings: readonly Finding[], options: Options): Verdict[] {
	return rows
		.filter(({number}) => options.rows === undefined || options.rows.has(number))
		.toSorted((a, b) => a.number - b.number)
		.map((row) => judgeRow(row, findings));
}

function judgeRow(row: Row, findings: readonly Finding[]): Verdict {
	const {number, surface, ofClass} = row;
	const own = findings.filter((finding) => finding.row === number);
	const telling = own.filter(isTelling);
	const said = {row: number, surface, probes: own.length, telling: telling.length};
	if (ofClass !== undefined) return {...said, ...judgeClass(ofClass, findings)};
	if (own.length === 0) return {...said, verdict: 'not asked', isFailed: false};
	const isBounded = telling.length > 0 || own.some(({boundedFaults}) => boundedFaults.length > 0);
	const worst = telling.find((finding) => !finding.isBounded);
	if (worst !== undefined) return {...said, verdict: `DISTINGUISHABLE: ${describe(worst)}`, isFailed: true};
	return {...said, verdict: isBounded ? 'bounded' : 'indistinguishable', isFailed: false};
}

/** The class is asked about by the probes of other rows. */
function judgeClass(name: string, findings: readonly Finding[]): Pick<Verdict, 'verdict' | 'isFailed'> {
	const all = findings.filter(({tellingClasses}) => tellingClasses.includes(name));
	const telling = all.find(({isBounded}) => !isBounded);
	if (telling === undefined) return {verdict: all.length > 0 ? 'bounded' : 'indistinguishable', isFailed: false};
	return {verdict: `DISTINGUISHABLE: ${describe(telling)}`, isFailed: true};
}

function describe({title, asker, configuration, faults}: Finding): string {
	const [recipe, list] = Object.entries(faults).find(([, found]) => found.length > 0) ?? ['', []];
	return `${title} by ${asker} (${configuration}), ${recipe}: ${list[0]}`;
}

/** Writes the table, and everything that tells. */
export function writeTable(verdicts: readonly Verdict[], findings: readonly Finding[]): string {
	const lines = verdicts.map(({row, surface, verdict, probes, telling}) => {
		const counted = probes === 0 ? '' : `${telling}/${probes}`;
		return `${String(row).padStart(3)}  ${surface.padEnd(42)} ${counted.padStart(7)}  ${verdict}`;
	});
	const telling = findings.filter(isTelling);
	const details = telling.flatMap(({row, title, asker, configuration, faults, isBounded}) =>
		Object.entries(faults).flatMap(([recipe, list]) =>
			list.map(
				(fault) =>
					`  ${row} ${title} by ${asker} (${configuration})${isBounded ? ', bounded' : ''}, ${recipe}: ${fault}`,
			),
		),
	);
	const withinBudget = findings.flatMap(({row, title, asker, configuration, boundedFaults}) =>
		boundedFaults.map((fault) => `  ${row} ${title} by ${asker} (${configuration}): ${fault}`),
	);
	if (withinBudget.length > 0) details.push('Within the budget:', ...withinBudget);
	const sum = `${telling.length} of ${findings.length} probes tell names apart`;
	return [...lines, '', ...(details.length > 0 ? ['What tells:', ...details, ''] : []), sum].join('\n');
}
