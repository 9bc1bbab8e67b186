/** Addresses and links sent to them, sessions that wait for approval, and rooms in which people are told of their accounts. */
export const guard = `
create table "mail_addresses" (
	"user_id" text not null,
	"address" text not null,
	"canonical" text not null,
	"language" text not null,
	"added_day" integer not null,
	primary key ("user_id")
) strict, without rowid;
create index "mail_addresses_canonical_idx" on "mail_addresses" ("canonical");
create table "mail_validations" (
	"sid" text not null,
	"purpose" text not null,
	"user_id" text,
	"address" text not null,
	"asker_hash" text,
	"token_hash" text,
	"language" text not null,
	"send_attempt" integer not null,
	"failures" integer not null,
	"is_confirmed" integer not null,
	"expires_ts" integer not null,
	primary key ("sid")
) strict, without rowid;
create index "mail_validations_token_hash_idx" on "mail_validations" ("token_hash") where "token_hash" is not null;
create index "mail_validations_user_id_idx" on "mail_validations" ("user_id") where "user_id" is not null;
create index "mail_validations_expires_ts_idx" on "mail_validations" ("expires_ts");
create table "notice_rooms" (
	"user_id" text not null,
	"room_id" text not null,
	primary key ("user_id")
) strict, without rowid;
create index "notice_rooms_room_id_idx" on "notice_rooms" ("room_id");
create table "quarantined_devices" (
	"user_id" text not null,
	"device_id" text not null,
	"since_ts" integer not null,
	"code_hash" text,
	primary key ("user_id", "device_id")
) strict, without rowid;
create index "quarantined_devices_code_hash_idx" on "quarantined_devices" ("code_hash") where "code_hash" is not null;
`;
