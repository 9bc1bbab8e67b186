/** Messages to devices lie in the order in which they come while they are fresh; one-time keys are found by their uploads. */
export const mailBoxes = `
alter table "to_device" rename to "to_device_before";
create table "to_device" (
	"id" bigint not null,
	"bundle" bigint not null,
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"pos" bigint not null,
	"sender" text collate "C" not null,
	"type" text collate "C" not null,
	"content" text collate "C" not null,
	primary key ("id")
);
insert into "to_device" ("id", "bundle", "user_id", "device_id", "pos", "sender", "type", "content")
	select "id", 0, "user_id", "device_id", "pos", "sender", "type", "content" from "to_device_before";
drop table "to_device_before";
create index "to_device_bundle_user_id_device_id_pos_id_idx" on "to_device" ("bundle", "user_id", "device_id", "pos", "id");
create table "one_time_key_uploads" (
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"algorithm" text collate "C" not null,
	"last_id" bigint not null,
	"first_id" bigint not null,
	primary key ("user_id", "device_id", "algorithm", "last_id")
);
insert into "one_time_key_uploads" ("user_id", "device_id", "algorithm", "last_id", "first_id")
	select "user_id", "device_id", "algorithm", max("id"), min("id")
	from (select "user_id", "device_id", "algorithm", "id",
		"id" - row_number() over (partition by "user_id", "device_id", "algorithm" order by "id") as "run"
		from "one_time_keys") as "numbered"
	group by "user_id", "device_id", "algorithm", "run";
alter table "one_time_keys" rename to "one_time_keys_before";
create table "one_time_keys" (
	"id" bigint not null,
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"key_id" text collate "C" not null,
	"json" text collate "C" not null,
	primary key ("id")
);
insert into "one_time_keys" ("id", "user_id", "device_id", "key_id", "json")
	select "id", "user_id", "device_id", "key_id", "json" from "one_time_keys_before";
drop table "one_time_keys_before";
create unique index "one_time_keys_user_id_device_id_key_id_key" on "one_time_keys" ("user_id", "device_id", "key_id");
`;
