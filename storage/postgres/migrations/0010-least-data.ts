/** Where people were seen from, for as long as the settings say; and who wants to be forgotten. */
export const leastData = `
create table "device_addresses" (
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"address" text collate "C" not null,
	"seen_day" bigint not null,
	primary key ("user_id", "device_id")
);
create index "device_addresses_seen_day_idx" on "device_addresses" ("seen_day");
create table "erasures" (
	"user_id" text collate "C" not null,
	"pos" bigint not null,
	primary key ("user_id")
);
insert into "erasures" ("user_id", "pos")
	select "user_id", (select max("pos") from "stream_head") from "accounts" where "is_erased" = 1;
`;
