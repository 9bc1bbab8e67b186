/** Relations, threads, full-text search, reports. */
export const conversations = `
create table "threads" (
	"room_id" integer not null,
	"root" text not null,
	"latest_anchor" integer,
	"latest_minor" integer,
	primary key ("room_id", "root")
) strict, without rowid;
create index "threads_room_id_latest_anchor_latest_minor_idx" on "threads" ("room_id", "latest_anchor", "latest_minor");
create table "annotations" (
	"room_id" integer not null,
	"digest" text not null,
	"event_id" text not null,
	primary key ("room_id", "digest")
) strict, without rowid;
create index "annotations_event_id_idx" on "annotations" ("event_id");
create table "search_entries" (
	"id" integer not null,
	"nid" integer not null,
	"words" text not null,
	primary key ("id")
) strict;
create table "reports" (
	"id" integer not null,
	"kind" text not null,
	"target" text not null,
	"room_id" text,
	"reporter" text not null,
	"reason" text not null,
	"received_ts" integer not null,
	primary key ("id")
) strict;
create index "events_room_id_relates_to_rel_type_anchor_minor_sender_idx" on "events" ("room_id", "relates_to", "rel_type", "anchor", "minor", "sender") where "relates_to" is not null;
create virtual table "search_words" using fts5(
	words, content = 'search_entries', content_rowid = 'id', columnsize = 0,
	tokenize = "unicode61 remove_diacritics 0 categories 'L* N* M* Co'"
);
insert into "search_words" ("search_words", "rank") values ('secure-delete', 1);
create trigger "search_entries_added" after insert on "search_entries" begin
	insert into "search_words" ("rowid", "words") values (new."id", new."words");
end;
create trigger "search_entries_removed" after delete on "search_entries" begin
	insert into "search_words" ("search_words", "rowid", "words") values ('delete', old."id", old."words");
end;
insert into "threads" ("room_id", "root", "latest_anchor", "latest_minor")
	select "room_id", "relates_to", "anchor", "minor" from (
		select "room_id", "relates_to", "anchor", "minor", row_number() over (
			partition by "room_id", "relates_to" order by "anchor" desc, "minor" desc
		) as "age" from "events" where "rel_type" = 'm.thread' and "relates_to" is not null and "anchor" is not null and "redacted_by" is null
	) as "newest" where "age" = 1;
update "events" set "relates_to" = null, "rel_type" = null
	where "redacted_by" is not null and "rel_type" <> 'm.room.redaction';
`;
