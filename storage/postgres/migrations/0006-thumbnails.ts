/** Pictures in small. */
export const thumbnails = `
create table "thumbnails" (
	"sha256" text collate "C" not null,
	"variant" text collate "C" not null,
	"content_type" text collate "C" not null,
	"size_bytes" bigint not null,
	"thumbnail_sha256" text collate "C" not null,
	primary key ("sha256", "variant")
);
create index "thumbnails_thumbnail_sha256_idx" on "thumbnails" ("thumbnail_sha256");
`;
