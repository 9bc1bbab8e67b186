/** Links by which sources get accounts, and those accounts. */
export const sourceLinks = `
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
`;
