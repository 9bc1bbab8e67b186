import type {EventId, JsonObject, RoomId} from '../../crypto/index.ts';
import type {StoredEvent} from '../../federation/engine/index.ts';
import {ConflictError, type ReportQuery, type ReportRow} from '../../storage/index.ts';
import type {AuditActor} from '../audit/index.ts';
import type {AdministrationDependencies, OffsetPage} from './context.ts';
import {AdministrationError} from './errors.ts';

/** A complaint with what it is about, as far as that is still here. */
export interface AdministeredReport extends ReportRow {
	/** Who sent the event. */
	readonly sender: string | null;
	readonly roomName: string | null;
	readonly canonicalAlias: string | null;
}

/** What people complained about. */
export interface AdministeredReports {
	list(
		query: ReportQuery,
		page: OffsetPage & {readonly isOldestFirst: boolean},
	): Promise<{readonly reports: readonly AdministeredReport[]; readonly total: number}>;
	/** Gives a complaint with the event as it was sent. @throws AdministrationError 'unknown-report' */
	get(kind: ReportRow['kind'], id: number): Promise<AdministeredReport & {readonly event: JsonObject | null}>;
	/** Gives an event that somebody complained about. @throws AdministrationError 'unknown-report' */
	getReported(roomId: RoomId, eventId: string): Promise<StoredEvent>;
	/** @throws AdministrationError 'unknown-report' */
	remove(by: AuditActor, kind: ReportRow['kind'], id: number): Promise<void>;
}

/** Makes the administration of complaints. */
export function createAdministeredReports(dependencies: AdministrationDependencies): AdministeredReports {
	const {storage, audit, engine} = dependencies;

	async function find(kind: ReportRow['kind'], id: number): Promise<ReportRow> {
		const report = await storage.reports.find(id);
		if (report?.kind !== kind) throw unknownReport();
		return report;
	}

	async function describe(report: ReportRow) {
		const event = report.kind === 'event' ? await engine.findEvent(report.target as EventId) : undefined;
		const contentOf = async (type: string): Promise<JsonObject | undefined> => {
			const row = report.roomId && (await storage.rooms.findCurrentState(report.roomId, type, ''));
			return row ? (JSON.parse(row.json) as {content: JsonObject}).content : undefined;
		};
		const name = (await contentOf('m.room.name'))?.['name'];
		const alias = (await contentOf('m.room.canonical_alias'))?.['alias'];
		return {
			...report,
			sender: event?.pdu.sender ?? null,
			roomName: typeof name === 'string' ? name : null,
			canonicalAlias: typeof alias === 'string' ? alias : null,
			event: event?.pdu.json ?? null,
		};
	}

	return {
		async list(query, {offset, limit, isOldestFirst}) {
			const rows = await storage.reports.list(query, {offset, limit, isOldestFirst});
			const reports = await Promise.all(
				rows.map(async (row) => {
					const {event: _, ...report} = await describe(row);
					return report;
				}),
			);
			return {reports, total: await storage.reports.count(query)};
		},
		get: async (kind, id) => describe(await find(kind, id)),
		async getReported(roomId, eventId) {
			const isReported = (await storage.reports.count({kind: 'event', target: eventId, roomId})) > 0;
			const event = isReported ? await engine.findEvent(eventId as EventId) : undefined;
			if (event === undefined) throw unknownReport();
			return event;
		},
		async remove(by, kind, id) {
			const {target} = await find(kind, id);
			const batch = storage.batch();
			storage.reports.remove(batch, id);
			audit.note(batch, {who: by, act: 'delete-report', whom: target, details: {id}});
			await storage.commit(batch).catch((cause: unknown) => {
				throw cause instanceof ConflictError && cause.condition === 'report' ? unknownReport({cause}) : cause;
			});
		},
	};
}

function unknownReport(options?: ErrorOptions): AdministrationError {
	return new AdministrationError('unknown-report', 'There is no such complaint', options);
}
