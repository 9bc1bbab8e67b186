import {type Infer, v} from '../validation/index.ts';

/** Entries of one list of a filter, at most. */
const LIST_MAX = 1000;

const list = () => v.optional(v.array(v.string(), {max: LIST_MAX}));
const rooms = () => v.optional(v.array(v.roomId(), {max: LIST_MAX}));
const users = () => v.optional(v.array(v.userId(), {max: LIST_MAX}));

const eventFilterShape = {
	limit: v.optional(v.integer({min: 0})),
	not_senders: users(),
	not_types: list(),
	senders: users(),
	types: list(),
};

/** What events of one kind a client wants. @see https://spec.matrix.org/v1.19/client-server-api/#filtering */
export const eventFilterSchema = v.object(eventFilterShape);

/** What events of rooms a client wants; also the `filter` of `/messages` and `/context`. */
export const roomEventFilterSchema = v.object({
	...eventFilterShape,
	contains_url: v.optional(v.boolean()),
	include_redundant_members: v.optional(v.boolean()),
	lazy_load_members: v.optional(v.boolean()),
	not_rooms: rooms(),
	rooms: rooms(),
	unread_thread_notifications: v.optional(v.boolean()),
});

/** A filter of `/sync`. */
export const filterSchema = v.object({
	account_data: v.optional(eventFilterSchema),
	event_fields: list(),
	event_format: v.optional(v.literal('client', 'federation')),
	presence: v.optional(eventFilterSchema),
	room: v.optional(
		v.object({
			account_data: v.optional(roomEventFilterSchema),
			ephemeral: v.optional(roomEventFilterSchema),
			include_leave: v.optional(v.boolean()),
			not_rooms: rooms(),
			rooms: rooms(),
			state: v.optional(roomEventFilterSchema),
			timeline: v.optional(roomEventFilterSchema),
		}),
	),
});

export type EventFilter = Infer<typeof eventFilterSchema>;
export type RoomEventFilter = Infer<typeof roomEventFilterSchema>;
export type Filter = Infer<typeof filterSchema>;
