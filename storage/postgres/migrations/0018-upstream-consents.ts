/** Codes of OAuth say by whose word somebody was signed in who consented. */
export const upstreamConsents = `
alter table "oauth_codes" rename to "oauth_codes_before";
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
	"upstream_provider_id" text collate "C",
	"upstream_session_id" text collate "C",
	primary key ("code_hash")
);
insert into "oauth_codes" ("code_hash", "client_id", "user_id", "device_id", "scope", "redirect_uri", "code_challenge", "expires_ts", "is_used")
	select "code_hash", "client_id", "user_id", "device_id", "scope", "redirect_uri", "code_challenge", "expires_ts", "is_used" from "oauth_codes_before";
drop table "oauth_codes_before";
create index "oauth_codes_user_id_idx" on "oauth_codes" ("user_id");
create index "oauth_codes_expires_ts_idx" on "oauth_codes" ("expires_ts");
alter table "oauth_device_codes" rename to "oauth_device_codes_before";
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
	"upstream_provider_id" text collate "C",
	"upstream_session_id" text collate "C",
	primary key ("code_hash")
);
insert into "oauth_device_codes" ("code_hash", "user_code_hash", "client_id", "device_id", "scope", "expires_ts", "polled_ts", "state", "user_id")
	select "code_hash", "user_code_hash", "client_id", "device_id", "scope", "expires_ts", "polled_ts", "state", "user_id" from "oauth_device_codes_before";
drop table "oauth_device_codes_before";
create unique index "oauth_device_codes_user_code_hash_key" on "oauth_device_codes" ("user_code_hash");
create index "oauth_device_codes_user_id_idx" on "oauth_device_codes" ("user_id");
create index "oauth_device_codes_expires_ts_idx" on "oauth_device_codes" ("expires_ts");
`;
