/** Events that wait for their time, and tokens that sign in once. */
export const calls = `
create table "delayed_events" (
	"delay_id" text not null,
	"user_id" text not null,
	"room_id" text not null,
	"type" text not null,
	"state_key" text,
	"content" text not null,
	"delay_ms" integer not null,
	"running_since_ts" integer not null,
	"pos" integer not null,
	primary key ("delay_id")
) strict;
create index "delayed_events_user_id_idx" on "delayed_events" ("user_id");
create table "login_tokens" (
	"token_hash" text not null,
	"user_id" text not null,
	"device_id" text not null,
	"expires_ts" integer not null,
	primary key ("token_hash")
) strict, without rowid;
create index "login_tokens_user_id_device_id_idx" on "login_tokens" ("user_id", "device_id");
create index "login_tokens_expires_ts_idx" on "login_tokens" ("expires_ts");
`;
