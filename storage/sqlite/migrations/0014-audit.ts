/** What administrators did and asked for. */
export const audit = `
create table "audit_entries" (
	"position" integer not null,
	"entry" text not null,
	"hash" text not null,
	primary key ("position")
) strict;
create table "audit_seals" (
	"position" integer not null,
	"hash" text not null,
	"sealed_ts" integer not null,
	"key_id" text not null,
	"signature" text not null,
	primary key ("position")
) strict;
create table "administrative_tasks" (
	"task_id" text not null,
	"kind" text not null,
	"subject" text not null,
	"status" text not null,
	"result" text not null,
	"error" text,
	"changed_ts" integer not null,
	primary key ("task_id")
) strict;
create index "administrative_tasks_subject_idx" on "administrative_tasks" ("subject");
create index "administrative_tasks_changed_ts_idx" on "administrative_tasks" ("changed_ts");
`;
