import type {Storage} from '../../storage/index.ts';
import type {LoadGate} from '../http/index.ts';
import type {LoopMeter, Metrics} from '../telemetry/index.ts';
import type {FactBudget} from '../visibility/index.ts';
import type {Federation} from './federation.ts';

/** One measure that is read when somebody asks for the metrics. */
interface Figure {
	readonly name: string;
	readonly help: string;
	readonly read: () => number;
}

/** Adds what the parts of a server know of themselves to its metrics. */
export function publishFigures(
	metrics: Metrics,
	storage: Pick<Storage, 'figures' | 'stream'>,
	{
		sender,
		staging,
		load,
		meter,
		facts,
	}: Pick<Federation, 'sender' | 'staging'> & {
		readonly load: LoadGate;
		readonly meter: LoopMeter;
		readonly facts: FactBudget;
	},
): void {
	const figures: readonly Figure[] = [
		{
			name: 'broadsheet_stream_position',
			help: 'The position up to which this process has delivered changes.',
			read: () => storage.stream.head(),
		},
		{
			name: 'broadsheet_storage_commits',
			help: 'Commits since the start; each may hold many batches.',
			read: () => storage.figures().commits,
		},
		{
			name: 'broadsheet_storage_batches',
			help: 'Batches committed since the start.',
			read: () => storage.figures().batches,
		},
		{
			name: 'broadsheet_storage_queued_batches',
			help: 'Batches that wait for the writer.',
			read: () => storage.figures().queued,
		},
		{
			name: 'broadsheet_storage_wal_bytes',
			help: 'Size of the write-ahead log of SQLite.',
			read: () => storage.figures().walBytes,
		},
		{
			name: 'broadsheet_storage_free_bytes',
			help: 'Space that deleted rows have left free in the file of SQLite.',
			read: () => storage.figures().freeBytes,
		},
		{
			name: 'broadsheet_federation_destinations_active',
			help: 'Servers that are being told something.',
			read: () => sender.figures().active,
		},
		{
			name: 'broadsheet_federation_destinations_failing',
			help: 'Servers whose last delivery failed.',
			read: () => sender.figures().failing,
		},
		{
			name: 'broadsheet_federation_staged_events',
			help: 'Events of other servers that wait for their room.',
			read: () => staging.waiting,
		},
		...figuresOfLoad(load, meter),
	];
	for (const {name, help, read} of [...figures, ...listFactFigures(facts)]) {
		metrics.addGauge(name, help, read);
	}
}

function figuresOfLoad(load: LoadGate, meter: LoopMeter): readonly Figure[] {
	return [
		{
			name: 'broadsheet_event_loop_late_seconds',
			help: 'How long what is due waits for its turn; work is refused by this.',
			read: () => meter.lateMs / 1000,
		},
		{
			name: 'broadsheet_http_requests_refused_for_load',
			help: 'Requests refused since the start because there was too much to do.',
			read: () => load.refused,
		},
	];
}

/** How much is learnt and asked about people, by whom: kinds of askers alone, and nobody's name. */
function listFactFigures(facts: FactBudget): Figure[] {
	const askers = {
		person: 'people of this server',
		server: 'other servers',
		outsider: 'whoever has no account',
	} as const;
	const counts = {
		learnt: 'Facts about people that were learnt',
		refused: 'Facts about people that were refused for the day',
		probes: 'Names that were asked about without a right to know',
	} as const;
	return (['person', 'server', 'outsider'] as const).flatMap((asker) =>
		(['learnt', 'refused', 'probes'] as const).map((count) => ({
			name: `broadsheet_facts_${count}_by_${asker}`,
			help: `${counts[count]} since the start, by ${askers[asker]}.`,
			read: () => facts.figures()[asker][count],
		})),
	);
}
