/** Addresses and links sent to them, sessions that wait for approval, and rooms in which people are told of their accounts. */
export const guard = `
create table "mail_addresses" (
	"user_id" text collate "C" not null,
	"address" text collate "C" not null,
	"canonical" text collate "C" not null,
	"language" text collate "C" not null,
	"added_day" bigint not null,
	primary key ("user_id")
);
create index "mail_addresses_canonical_idx" on "mail_addresses" ("canonical");
create table "mail_validations" (
	"sid" text collate "C" not null,
	"purpose" text collate "C" not null,
	"user_id" text collate "C",
	"address" text collate "C" not null,
	"asker_hash" text collate "C",
	"token_hash" text collate "C",
	"language" text collate "C" not null,
	"send_attempt" bigint not null,
	"failures" bigint not null,
	"is_confirmed" smallint not null,
	"expires_ts" bigint not null,
	primary key ("sid")
);
create index "mail_validations_token_hash_idx" on "mail_validations" ("token_hash") where "token_hash" is not null;
create index "mail_validations_user_id_idx" on "mail_validations" ("user_id") where "user_id" is not null;
create index "mail_validations_expires_ts_idx" on "mail_validations" ("expires_ts");
create table "notice_rooms" (
	"user_id" text collate "C" not null,
	"room_id" text collate "C" not null,
	primary key ("user_id")
);
create index "notice_rooms_room_id_idx" on "notice_rooms" ("room_id");
create table "quarantined_devices" (
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"since_ts" bigint not null,
	"code_hash" text collate "C",
	primary key ("user_id", "device_id")
);
create index "quarantined_devices_code_hash_idx" on "quarantined_devices" ("code_hash") where "code_hash" is not null;
`;
