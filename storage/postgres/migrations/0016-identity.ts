/** Links by which sources get accounts, and those accounts; and whom other services vouch for. */
export const identity = `
create table "source_links" (
	"link_id" text collate "C" not null,
	"user_id" text collate "C" not null,
	"name" text collate "C" not null,
	"members" text collate "C" not null,
	"uses_allowed" bigint not null,
	"uses_done" bigint not null,
	"expires_ts" bigint not null,
	"account_days" bigint not null,
	"silence_days" bigint not null,
	"federates" smallint not null,
	primary key ("link_id")
);
create index "source_links_user_id_idx" on "source_links" ("user_id");
create index "source_links_expires_ts_idx" on "source_links" ("expires_ts");
create table "sources" (
	"user_id" text collate "C" not null,
	"owner" text collate "C" not null,
	"name" text collate "C" not null,
	"room_id" text collate "C" not null,
	"ends_ts" bigint not null,
	"silence_days" bigint not null,
	"is_owner_told" smallint not null,
	primary key ("user_id")
);
create index "sources_owner_idx" on "sources" ("owner");
create table "identities" (
	"provider_id" text collate "C" not null,
	"subject" text collate "C" not null,
	"user_id" text collate "C" not null,
	primary key ("provider_id", "subject")
);
create index "identities_user_id_idx" on "identities" ("user_id");
create table "upstream_flows" (
	"flow_id" text collate "C" not null,
	"provider_id" text collate "C" not null,
	"web_session_hash" text collate "C" not null,
	"nonce" text collate "C" not null,
	"code_verifier" text collate "C" not null,
	"links_user_id" text collate "C",
	"return_to" text collate "C",
	"expires_ts" bigint not null,
	primary key ("flow_id")
);
create index "upstream_flows_expires_ts_idx" on "upstream_flows" ("expires_ts");
create table "upstream_arrivals" (
	"web_session_hash" text collate "C" not null,
	"provider_id" text collate "C" not null,
	"subject" text collate "C" not null,
	"session_id" text collate "C",
	"suggestion" text collate "C",
	"return_to" text collate "C",
	"expires_ts" bigint not null,
	primary key ("web_session_hash")
);
create index "upstream_arrivals_expires_ts_idx" on "upstream_arrivals" ("expires_ts");
create table "upstream_devices" (
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"provider_id" text collate "C" not null,
	"session_id" text collate "C",
	primary key ("user_id", "device_id")
);
create table "upstream_logouts" (
	"provider_id" text collate "C" not null,
	"token_id" text collate "C" not null,
	"expires_ts" bigint not null,
	primary key ("provider_id", "token_id")
);
create index "upstream_logouts_expires_ts_idx" on "upstream_logouts" ("expires_ts");
`;
