import type {UserId} from '../../crypto/index.ts';
import {build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {DelayedEventRow, DelayedEventsRepository} from '../interfaces/calls.ts';
import {tables} from '../schema/index.ts';

const {delayedEvents} = tables;

/** More than anybody has waiting. */
const LISTED_MAX = 1000;

/** Makes the repository of events that wait for their time. */
export function createDelayedEvents(core: Core): DelayedEventsRepository {
	const {catalog} = core;
	const exists = {expect: {changes: 1, condition: 'delayed_event'}} as const;
	const add = core.put(catalog.insert(delayedEvents));
	const restart = core.put(catalog.update(delayedEvents, ['runningSinceTs'], ['delayId']), exists);
	const remove = core.put(catalog.delete(delayedEvents, ['delayId']), exists);
	const removeOfUser = core.put(catalog.delete(delayedEvents, ['userId']));
	const find = core.one<{delayId: string}, DelayedEventRow>((p) =>
		build.select().from(delayedEvents).where(equals(delayedEvents.delayId, p.delayId)),
	);
	const listOfUser = core.many<{userId: UserId}, DelayedEventRow>((p) =>
		build
			.select()
			.from(delayedEvents)
			.where(equals(delayedEvents.userId, p.userId))
			.orderBy(delayedEvents.runningSinceTs, delayedEvents.delayId)
			.limit(LISTED_MAX),
	);
	return {
		add,
		find: (delayId) => find({delayId}),
		listOfUser: (userId) => listOfUser({userId}),
		restart: (batch, delayId, runningSinceTs) => restart(batch, {delayId, runningSinceTs}),
		remove: (batch, delayId) => remove(batch, {delayId}),
		removeOfUser: (batch, userId) => removeOfUser(batch, {userId}),
	};
}
