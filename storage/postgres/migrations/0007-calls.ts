/** Events that wait for their time, and tokens that sign in once. */
export const calls = `
create table "delayed_events" (
	"delay_id" text collate "C" not null,
	"user_id" text collate "C" not null,
	"room_id" text collate "C" not null,
	"type" text collate "C" not null,
	"state_key" text collate "C",
	"content" text collate "C" not null,
	"delay_ms" bigint not null,
	"running_since_ts" bigint not null,
	"pos" bigint not null,
	primary key ("delay_id")
);
create index "delayed_events_user_id_idx" on "delayed_events" ("user_id");
create table "login_tokens" (
	"token_hash" text collate "C" not null,
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"expires_ts" bigint not null,
	primary key ("token_hash")
);
create index "login_tokens_user_id_device_id_idx" on "login_tokens" ("user_id", "device_id");
create index "login_tokens_expires_ts_idx" on "login_tokens" ("expires_ts");
`;
