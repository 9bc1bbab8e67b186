/** What devices had been told over their connections of sliding sync. */
export const slidingSnapshots = `
create table "sliding_snapshots" (
	"id" bigint not null,
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"conn_id" text collate "C" not null,
	"created_ts" bigint not null,
	"body" bytea not null,
	primary key ("id")
);
create index "sliding_snapshots_user_id_device_id_created_ts_id_idx" on "sliding_snapshots" ("user_id", "device_id", "created_ts", "id");
`;
