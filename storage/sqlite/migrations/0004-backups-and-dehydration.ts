/** Key backups, dehydrated devices, OpenID tokens, and a row instead of a mark for claimed one-time keys. */
export const backupsAndDehydration = `
create table "claimed_one_time_keys" (
	"user_id" text not null,
	"device_id" text not null,
	"algorithm" text not null,
	"last_id" integer not null,
	primary key ("user_id", "device_id", "algorithm")
) strict, without rowid;
create table "dehydrated_devices" (
	"user_id" text not null,
	"device_id" text not null,
	"json" text not null,
	primary key ("user_id")
) strict;
create table "key_backups" (
	"id" integer not null,
	"user_id" text not null,
	"version" integer not null,
	"algorithm" text not null,
	"auth_data" text not null,
	"etag" integer not null,
	"count" integer not null,
	"is_deleted" integer not null,
	primary key ("id")
) strict;
create unique index "key_backups_user_id_version_key" on "key_backups" ("user_id", "version");
create index "key_backups_is_deleted_count_idx" on "key_backups" ("is_deleted", "count");
create table "openid_tokens" (
	"token_hash" text not null,
	"user_id" text not null,
	"device_id" text not null,
	"expires_ts" integer not null,
	primary key ("token_hash")
) strict, without rowid;
create index "openid_tokens_user_id_device_id_idx" on "openid_tokens" ("user_id", "device_id");
create index "openid_tokens_expires_ts_idx" on "openid_tokens" ("expires_ts");
create table "room_keys" (
	"backup_id" integer not null,
	"room_id" text not null,
	"session_id" text not null,
	"is_verified" integer not null,
	"first_message_index" integer not null,
	"forwarded_count" integer not null,
	"session_data" text not null,
	primary key ("backup_id", "room_id", "session_id")
) strict, without rowid;
delete from "one_time_keys" where "algorithm" = '';
`;
