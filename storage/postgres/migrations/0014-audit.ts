/** What administrators did and asked for. */
export const audit = `
create table "audit_entries" (
	"position" bigint not null,
	"entry" text collate "C" not null,
	"hash" text collate "C" not null,
	primary key ("position")
);
create table "audit_seals" (
	"position" bigint not null,
	"hash" text collate "C" not null,
	"sealed_ts" bigint not null,
	"key_id" text collate "C" not null,
	"signature" text collate "C" not null,
	primary key ("position")
);
create table "administrative_tasks" (
	"task_id" text collate "C" not null,
	"kind" text collate "C" not null,
	"subject" text collate "C" not null,
	"status" text collate "C" not null,
	"result" text collate "C" not null,
	"error" text collate "C",
	"changed_ts" bigint not null,
	primary key ("task_id")
);
create index "administrative_tasks_subject_idx" on "administrative_tasks" ("subject");
create index "administrative_tasks_changed_ts_idx" on "administrative_tasks" ("changed_ts");
`;
