/** Second factors of people, and what passkeys are to sign. */
export const factors = `
create table "totp_secrets" (
	"user_id" text not null,
	"sealed_secret" text not null,
	"is_confirmed" integer not null,
	"last_step" integer not null,
	"failures" integer not null,
	"wait_ms" integer not null,
	"next_try_ts" integer not null,
	"created_day" integer not null,
	primary key ("user_id")
) strict, without rowid;
create table "recovery_codes" (
	"user_id" text not null,
	"code_hash" text not null,
	primary key ("user_id", "code_hash")
) strict, without rowid;
create table "passkeys" (
	"credential_id" text not null,
	"user_id" text not null,
	"user_handle" text not null,
	"public_key" blob not null,
	"sign_count" integer not null,
	"transports" text not null,
	"name" text not null,
	"created_day" integer not null,
	"last_used_day" integer,
	primary key ("credential_id")
) strict;
create index "passkeys_user_id_idx" on "passkeys" ("user_id");
create table "passkey_challenges" (
	"session" text not null,
	"purpose" text not null,
	"challenge" text not null,
	"expires_ts" integer not null,
	primary key ("session", "purpose")
) strict, without rowid;
create index "passkey_challenges_expires_ts_idx" on "passkey_challenges" ("expires_ts");
`;
