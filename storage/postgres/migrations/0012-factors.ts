/** Second factors of people, and what passkeys are to sign. */
export const factors = `
create table "totp_secrets" (
	"user_id" text collate "C" not null,
	"sealed_secret" text collate "C" not null,
	"is_confirmed" smallint not null,
	"last_step" bigint not null,
	"failures" bigint not null,
	"wait_ms" bigint not null,
	"next_try_ts" bigint not null,
	"created_day" bigint not null,
	primary key ("user_id")
);
create table "recovery_codes" (
	"user_id" text collate "C" not null,
	"code_hash" text collate "C" not null,
	primary key ("user_id", "code_hash")
);
create table "passkeys" (
	"credential_id" text collate "C" not null,
	"user_id" text collate "C" not null,
	"user_handle" text collate "C" not null,
	"public_key" bytea not null,
	"sign_count" bigint not null,
	"transports" text collate "C" not null,
	"name" text collate "C" not null,
	"created_day" bigint not null,
	"last_used_day" bigint,
	primary key ("credential_id")
);
create index "passkeys_user_id_idx" on "passkeys" ("user_id");
create table "passkey_challenges" (
	"session" text collate "C" not null,
	"purpose" text collate "C" not null,
	"challenge" text collate "C" not null,
	"expires_ts" bigint not null,
	primary key ("session", "purpose")
);
create index "passkey_challenges_expires_ts_idx" on "passkey_challenges" ("expires_ts");
`;
