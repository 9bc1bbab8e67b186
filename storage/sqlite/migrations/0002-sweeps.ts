/** Indexes by which what is no longer needed is found. */
export const sweeps = `
create index "access_tokens_expires_ts_token_hash_idx" on "access_tokens" ("expires_ts", "token_hash") where "expires_ts" is not null;
create index "account_data_pos_idx" on "account_data" ("pos") where "content" is null;
create index "media_created_ts_idx" on "media" ("created_ts") where "size_bytes" is null;
create index "profiles_pos_idx" on "profiles" ("pos") where "value" is null;
`;
