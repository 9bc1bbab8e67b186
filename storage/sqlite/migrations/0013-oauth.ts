/** Signing in by OAuth: programs, codes, and whose sessions are whose. */
export const oauth = `
create table "oauth_clients" (
	"client_id" text not null,
	"metadata" text not null,
	"used_ts" integer not null,
	primary key ("client_id")
) strict;
create index "oauth_clients_used_ts_idx" on "oauth_clients" ("used_ts");
create table "oauth_codes" (
	"code_hash" text not null,
	"client_id" text not null,
	"user_id" text not null,
	"device_id" text not null,
	"scope" text not null,
	"redirect_uri" text not null,
	"code_challenge" text not null,
	"expires_ts" integer not null,
	"is_used" integer not null,
	primary key ("code_hash")
) strict, without rowid;
create index "oauth_codes_user_id_idx" on "oauth_codes" ("user_id");
create index "oauth_codes_expires_ts_idx" on "oauth_codes" ("expires_ts");
create table "oauth_device_codes" (
	"code_hash" text not null,
	"user_code_hash" text not null,
	"client_id" text not null,
	"device_id" text not null,
	"scope" text not null,
	"expires_ts" integer not null,
	"polled_ts" integer not null,
	"state" text not null,
	"user_id" text not null,
	primary key ("code_hash")
) strict, without rowid;
create unique index "oauth_device_codes_user_code_hash_key" on "oauth_device_codes" ("user_code_hash");
create index "oauth_device_codes_user_id_idx" on "oauth_device_codes" ("user_id");
create index "oauth_device_codes_expires_ts_idx" on "oauth_device_codes" ("expires_ts");
create table "oauth_sessions" (
	"user_id" text not null,
	"device_id" text not null,
	"client_id" text not null,
	"scope" text not null,
	"code_hash" text not null,
	primary key ("user_id", "device_id")
) strict, without rowid;
create index "oauth_sessions_client_id_idx" on "oauth_sessions" ("client_id");
create table "refresh_families" (
	"family_hash" text not null,
	"user_id" text not null,
	"device_id" text not null,
	primary key ("family_hash")
) strict, without rowid;
create index "refresh_families_user_id_device_id_idx" on "refresh_families" ("user_id", "device_id");
`;
