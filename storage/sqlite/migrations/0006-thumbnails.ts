/** Pictures in small. */
export const thumbnails = `
create table "thumbnails" (
	"sha256" text not null,
	"variant" text not null,
	"content_type" text not null,
	"size_bytes" integer not null,
	"thumbnail_sha256" text not null,
	primary key ("sha256", "variant")
) strict, without rowid;
create index "thumbnails_thumbnail_sha256_idx" on "thumbnails" ("thumbnail_sha256");
`;
