/** Key backups, dehydrated devices, OpenID tokens, and a row instead of a mark for claimed one-time keys. */
export const backupsAndDehydration = `
create table "claimed_one_time_keys" (
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"algorithm" text collate "C" not null,
	"last_id" bigint not null,
	primary key ("user_id", "device_id", "algorithm")
);
create table "dehydrated_devices" (
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"json" text collate "C" not null,
	primary key ("user_id")
);
create table "key_backups" (
	"id" bigint not null,
	"user_id" text collate "C" not null,
	"version" bigint not null,
	"algorithm" text collate "C" not null,
	"auth_data" text collate "C" not null,
	"etag" bigint not null,
	"count" bigint not null,
	"is_deleted" smallint not null,
	primary key ("id")
);
create unique index "key_backups_user_id_version_key" on "key_backups" ("user_id", "version");
create index "key_backups_is_deleted_count_idx" on "key_backups" ("is_deleted", "count");
create table "openid_tokens" (
	"token_hash" text collate "C" not null,
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"expires_ts" bigint not null,
	primary key ("token_hash")
);
create index "openid_tokens_user_id_device_id_idx" on "openid_tokens" ("user_id", "device_id");
create index "openid_tokens_expires_ts_idx" on "openid_tokens" ("expires_ts");
create table "room_keys" (
	"backup_id" bigint not null,
	"room_id" text collate "C" not null,
	"session_id" text collate "C" not null,
	"is_verified" smallint not null,
	"first_message_index" bigint not null,
	"forwarded_count" bigint not null,
	"session_data" text collate "C" not null,
	primary key ("backup_id", "room_id", "session_id")
);
delete from "one_time_keys" where "algorithm" = '';
`;
