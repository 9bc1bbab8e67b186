/** Of each link that was asked for it is known how often it was sent. */
export const mailCounts = `
alter table "mail_validations" rename to "mail_validations_before";
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
	"mails" integer not null,
	primary key ("sid")
) strict, without rowid;
insert into "mail_validations" ("sid", "purpose", "user_id", "address", "asker_hash", "token_hash", "language", "send_attempt", "failures", "is_confirmed", "expires_ts", "mails")
	select "sid", "purpose", "user_id", "address", "asker_hash", "token_hash", "language", "send_attempt", "failures", "is_confirmed", "expires_ts", 1 from "mail_validations_before";
drop table "mail_validations_before";
create index "mail_validations_token_hash_idx" on "mail_validations" ("token_hash") where "token_hash" is not null;
create index "mail_validations_user_id_idx" on "mail_validations" ("user_id") where "user_id" is not null;
create index "mail_validations_expires_ts_idx" on "mail_validations" ("expires_ts");
`;
