/** Where people were seen from, for as long as the settings say; and who wants to be forgotten. */
export const leastData = `
create table "device_addresses" (
	"user_id" text not null,
	"device_id" text not null,
	"address" text not null,
	"seen_day" integer not null,
	primary key ("user_id", "device_id")
) strict, without rowid;
create index "device_addresses_seen_day_idx" on "device_addresses" ("seen_day");
create table "erasures" (
	"user_id" text not null,
	"pos" integer not null,
	primary key ("user_id")
) strict, without rowid;
insert into "erasures" ("user_id", "pos")
	select "user_id", (select max("pos") from "stream_head") from "accounts" where "is_erased" = 1;
`;
