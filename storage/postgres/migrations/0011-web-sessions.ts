/** Browsers that have shown who is before them; they too ask for tokens that sign in once, which live for minutes. */
export const webSessions = `
create table "web_sessions" (
	"token_hash" text collate "C" not null,
	"user_id" text collate "C" not null,
	"proofs" text collate "C" not null,
	"return_to" text collate "C",
	"expires_ts" bigint not null,
	primary key ("token_hash")
);
create index "web_sessions_user_id_idx" on "web_sessions" ("user_id");
create index "web_sessions_expires_ts_idx" on "web_sessions" ("expires_ts");
drop table "login_tokens";
create table "login_tokens" (
	"token_hash" text collate "C" not null,
	"user_id" text collate "C" not null,
	"device_id" text collate "C",
	"web_session_hash" text collate "C",
	"expires_ts" bigint not null,
	primary key ("token_hash")
);
create index "login_tokens_user_id_device_id_idx" on "login_tokens" ("user_id", "device_id");
create index "login_tokens_expires_ts_idx" on "login_tokens" ("expires_ts");
`;
