import type {AdministeredReport} from '../../administration/index.ts';
import {MatrixError, rawJson} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {nextOffset, pageQuery, readPage} from './offset-page.ts';

/** A complaint about an event, as Synapse shows it. */
const toEventReport = (report: AdministeredReport) => ({
	id: report.id,
	received_ts: report.receivedTs,
	room_id: report.roomId,
	name: report.roomName,
	event_id: report.target,
	user_id: report.reporter,
	reason: report.reason,
	score: null,
	sender: report.sender,
	canonical_alias: report.canonicalAlias,
});

/** A complaint about a person. */
const toUserReport = (report: AdministeredReport) => ({
	id: report.id,
	received_ts: report.receivedTs,
	target_user_id: report.target,
	user_id: report.reporter,
	reason: report.reason,
});

/** @throws MatrixError M_INVALID_PARAM */
function readId(text: string): number {
	if (/^\d{1,15}$/.test(text)) return Number(text);
	throw new MatrixError('M_INVALID_PARAM', 'The report id in the path is not a number');
}

const eventPath = '/_synapse/admin/v1/event_reports';

/** Lists complaints about events, the newest first unless said otherwise. */
export const listEventReports = route({
	id: 'adminListEventReports',
	method: 'GET',
	path: eventPath,
	auth: 'admin',
	query: v.object({...pageQuery, user_id: v.optional(v.userId()), room_id: v.optional(v.roomId())}),
	async handle({query}, {administration}) {
		const page = readPage(query);
		const wish = {kind: 'event', reporter: query.user_id, roomId: query.room_id} as const;
		const {reports, total} = await administration.reports.list(wish, {...page, isOldestFirst: query.dir === 'f'});
		const next = nextOffset(page, reports.length, total);
		return {event_reports: reports.map(toEventReport), total, ...(next !== undefined && {next_token: next})};
	},
});

/** Gives one complaint about an event, with the event. */
export const getEventReport = route({
	id: 'adminGetEventReport',
	method: 'GET',
	path: `${eventPath}/:reportId`,
	auth: 'admin',
	async handle({parameters}, {administration}) {
		const {event, ...report} = await administration.reports.get('event', readId(parameters.reportId));
		return {...toEventReport(report), event_json: event};
	},
});

/** Removes a complaint about an event. */
export const deleteEventReport = route({
	id: 'adminDeleteEventReport',
	method: 'DELETE',
	path: `${eventPath}/:reportId`,
	auth: 'admin',
	async handle({caller, parameters}, {administration}) {
		await administration.reports.remove(caller.userId, 'event', readId(parameters.reportId));
		return {};
	},
});

/**
 * Gives an event that somebody complained about, for Draupnir, which asks for what came around it. That is for those in
 * the room, so it is empty here.
 */
export const getReportedEvent = route({
	id: 'adminGetReportedEvent',
	method: 'GET',
	path: '/_synapse/admin/v1/rooms/:roomId/context/:eventId',
	auth: 'admin',
	async handle({caller, parameters: {roomId, eventId}}, {administration, events}) {
		const event = await administration.reports.getReported(roomId, eventId);
		const [text = 'null'] = await events.render({userId: caller.userId}, [event], {withoutRelations: true});
		return rawJson(`{"event":${text},"events_before":[],"events_after":[],"state":[],"start":"","end":""}`);
	},
});

const userPath = '/_synapse/admin/v1/user_reports';

/** Lists complaints about people, the newest first unless said otherwise. */
export const listUserReports = route({
	id: 'adminListUserReports',
	method: 'GET',
	path: userPath,
	auth: 'admin',
	query: v.object({...pageQuery, user_id: v.optional(v.userId()), target_user_id: v.optional(v.userId())}),
	async handle({query}, {administration}) {
		const page = readPage(query);
		const wish = {kind: 'user', reporter: query.user_id, target: query.target_user_id} as const;
		const {reports, total} = await administration.reports.list(wish, {...page, isOldestFirst: query.dir === 'f'});
		const next = nextOffset(page, reports.length, total);
		return {user_reports: reports.map(toUserReport), total, ...(next !== undefined && {next_token: next})};
	},
});

/** Gives one complaint about a person. */
export const getUserReport = route({
	id: 'adminGetUserReport',
	method: 'GET',
	path: `${userPath}/:reportId`,
	auth: 'admin',
	handle: async ({parameters}, {administration}) =>
		toUserReport(await administration.reports.get('user', readId(parameters.reportId))),
});

/** Removes a complaint about a person. */
export const deleteUserReport = route({
	id: 'adminDeleteUserReport',
	method: 'DELETE',
	path: `${userPath}/:reportId`,
	auth: 'admin',
	async handle({caller, parameters}, {administration}) {
		await administration.reports.remove(caller.userId, 'user', readId(parameters.reportId));
		return {};
	},
});
