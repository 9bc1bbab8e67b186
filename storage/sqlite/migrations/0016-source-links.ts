/** Links by which sources get accounts, and those accounts. */
export const sourceLinks = `
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
`;
