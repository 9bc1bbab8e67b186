/** How much media are kept of whom, and which of other servers nobody has used for long. */
export const mediaUsage = `
create index "media_last_used_day_created_ts_idx" on "media" ("last_used_day", "created_ts") where "uploader" is null;
create index "media_origin_last_used_day_created_ts_idx" on "media" ("origin", "last_used_day", "created_ts") where "uploader" is null;
create table "media_usage" (
	"kind" text collate "C" not null,
	"holder" text collate "C" not null,
	"bytes" bigint not null,
	primary key ("kind", "holder")
);
create index "media_usage_kind_bytes_idx" on "media_usage" ("kind", "bytes");
insert into "media_usage" ("kind", "holder", "bytes")
	select 'uploader', "uploader", sum("size_bytes") from "media"
	where "uploader" is not null and "size_bytes" is not null group by "uploader";
insert into "media_usage" ("kind", "holder", "bytes")
	select 'origin', "origin", sum("size_bytes") from "media"
	where "uploader" is null and "size_bytes" is not null group by "origin";
insert into "media_usage" ("kind", "holder", "bytes")
	select 'cache', '', sum("bytes") from "media_usage" where "kind" = 'origin' having count(*) > 0;
`;
