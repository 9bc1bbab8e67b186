/** Messages to devices lie in the order in which they come while they are fresh. */
export const mailBoxes = `
alter table "to_device" rename to "to_device_before";
create table "to_device" (
	"id" integer not null,
	"bundle" integer not null,
	"user_id" text not null,
	"device_id" text not null,
	"pos" integer not null,
	"sender" text not null,
	"type" text not null,
	"content" text not null,
	primary key ("id")
) strict;
insert into "to_device" ("id", "bundle", "user_id", "device_id", "pos", "sender", "type", "content")
	select "id", 0, "user_id", "device_id", "pos", "sender", "type", "content" from "to_device_before";
drop table "to_device_before";
create index "to_device_bundle_user_id_device_id_pos_id_idx" on "to_device" ("bundle", "user_id", "device_id", "pos", "id");
`;
