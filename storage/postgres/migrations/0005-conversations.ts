/** Relations, threads, full-text search, reports. */
export const conversations = `
create table "threads" (
	"room_id" bigint not null,
	"root" text collate "C" not null,
	"latest_anchor" bigint,
	"latest_minor" bigint,
	primary key ("room_id", "root")
);
create index "threads_room_id_latest_anchor_latest_minor_idx" on "threads" ("room_id", "latest_anchor", "latest_minor");
create table "annotations" (
	"room_id" bigint not null,
	"digest" text collate "C" not null,
	"event_id" text collate "C" not null,
	primary key ("room_id", "digest")
);
create index "annotations_event_id_idx" on "annotations" ("event_id");
create table "search_entries" (
	"id" bigint not null,
	"nid" bigint not null,
	"words" text collate "C" not null,
	primary key ("id")
);
create table "reports" (
	"id" bigint not null,
	"kind" text collate "C" not null,
	"target" text collate "C" not null,
	"room_id" text collate "C",
	"reporter" text collate "C" not null,
	"reason" text collate "C" not null,
	"received_ts" bigint not null,
	primary key ("id")
);
create index "events_room_id_relates_to_rel_type_anchor_minor_sender_idx" on "events" ("room_id", "relates_to", "rel_type", "anchor", "minor", "sender") where "relates_to" is not null;
alter table "search_entries" add column "lexemes" tsvector generated always as ("words"::tsvector) stored;
create index "search_entries_lexemes_idx" on "search_entries" using gin ("lexemes");
insert into "threads" ("room_id", "root", "latest_anchor", "latest_minor")
	select "room_id", "relates_to", "anchor", "minor" from (
		select "room_id", "relates_to", "anchor", "minor", row_number() over (
			partition by "room_id", "relates_to" order by "anchor" desc, "minor" desc
		) as "age" from "events" where "rel_type" = 'm.thread' and "relates_to" is not null and "anchor" is not null and "redacted_by" is null
	) as "newest" where "age" = 1;
update "events" set "relates_to" = null, "rel_type" = null
	where "redacted_by" is not null and "rel_type" <> 'm.room.redaction';
`;
