/** Links by which sources get accounts, and those accounts; and whom other services vouch for. */
export const identity = `
create table "source_links" (
	"link_id" text not null,
	"user_id" text not null,
	"name" text not null,
	"members" text not null,
	"uses_allowed" integer not null,
	"uses_done" integer not null,
	"expires_ts" integer not null,
	"account_days" integer not null,
	"silence_days" integer not null,
	"federates" integer not null,
	primary key ("link_id")
) strict;
create index "source_links_user_id_idx" on "source_links" ("user_id");
create index "source_links_expires_ts_idx" on "source_links" ("expires_ts");
create table "sources" (
	"user_id" text not null,
	"owner" text not null,
	"name" text not null,
	"room_id" text not null,
	"ends_ts" integer not null,
	"silence_days" integer not null,
	"is_owner_told" integer not null,
	primary key ("user_id")
) strict, without rowid;
create index "sources_owner_idx" on "sources" ("owner");
create table "identities" (
	"provider_id" text not null,
	"subject" text not null,
	"user_id" text not null,
	primary key ("provider_id", "subject")
) strict, without rowid;
create index "identities_user_id_idx" on "identities" ("user_id");
create table "upstream_flows" (
	"flow_id" text not null,
	"provider_id" text not null,
	"web_session_hash" text not null,
	"nonce" text not null,
	"code_verifier" text not null,
	"links_user_id" text,
	"return_to" text,
	"expires_ts" integer not null,
	primary key ("flow_id")
) strict, without rowid;
create index "upstream_flows_expires_ts_idx" on "upstream_flows" ("expires_ts");
create table "upstream_arrivals" (
	"web_session_hash" text not null,
	"provider_id" text not null,
	"subject" text not null,
	"session_id" text,
	"suggestion" text,
	"return_to" text,
	"expires_ts" integer not null,
	primary key ("web_session_hash")
) strict, without rowid;
create index "upstream_arrivals_expires_ts_idx" on "upstream_arrivals" ("expires_ts");
create table "upstream_devices" (
	"user_id" text not null,
	"device_id" text not null,
	"provider_id" text not null,
	"session_id" text,
	primary key ("user_id", "device_id")
) strict, without rowid;
create table "upstream_logouts" (
	"provider_id" text not null,
	"token_id" text not null,
	"expires_ts" integer not null,
	primary key ("provider_id", "token_id")
) strict, without rowid;
create index "upstream_logouts_expires_ts_idx" on "upstream_logouts" ("expires_ts");
`;
