/** What devices had been told over their connections of sliding sync. */
export const slidingSnapshots = `
create table "sliding_snapshots" (
	"id" integer not null,
	"user_id" text not null,
	"device_id" text not null,
	"conn_id" text not null,
	"created_ts" integer not null,
	"body" blob not null,
	primary key ("id")
) strict;
create index "sliding_snapshots_user_id_device_id_created_ts_id_idx" on "sliding_snapshots" ("user_id", "device_id", "created_ts", "id");
`;
