/** Signing in by OAuth: programs, codes, and whose sessions are whose. */
export const oauth = `
create table "oauth_clients" (
	"client_id" text collate "C" not null,
	"metadata" text collate "C" not null,
	"used_ts" bigint not null,
	primary key ("client_id")
);
create index "oauth_clients_used_ts_idx" on "oauth_clients" ("used_ts");
create table "oauth_codes" (
	"code_hash" text collate "C" not null,
	"client_id" text collate "C" not null,
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"scope" text collate "C" not null,
	"redirect_uri" text collate "C" not null,
	"code_challenge" text collate "C" not null,
	"expires_ts" bigint not null,
	"is_used" smallint not null,
	primary key ("code_hash")
);
create index "oauth_codes_user_id_idx" on "oauth_codes" ("user_id");
create index "oauth_codes_expires_ts_idx" on "oauth_codes" ("expires_ts");
create table "oauth_device_codes" (
	"code_hash" text collate "C" not null,
	"user_code_hash" text collate "C" not null,
	"client_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"scope" text collate "C" not null,
	"expires_ts" bigint not null,
	"polled_ts" bigint not null,
	"state" text collate "C" not null,
	"user_id" text collate "C" not null,
	primary key ("code_hash")
);
create unique index "oauth_device_codes_user_code_hash_key" on "oauth_device_codes" ("user_code_hash");
create index "oauth_device_codes_user_id_idx" on "oauth_device_codes" ("user_id");
create index "oauth_device_codes_expires_ts_idx" on "oauth_device_codes" ("expires_ts");
create table "oauth_sessions" (
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"client_id" text collate "C" not null,
	"scope" text collate "C" not null,
	"code_hash" text collate "C" not null,
	primary key ("user_id", "device_id")
);
create index "oauth_sessions_client_id_idx" on "oauth_sessions" ("client_id");
create table "refresh_families" (
	"family_hash" text collate "C" not null,
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	primary key ("family_hash")
);
create index "refresh_families_user_id_device_id_idx" on "refresh_families" ("user_id", "device_id");
`;
