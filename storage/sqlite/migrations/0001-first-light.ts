/** The schema of the first release. */
export const firstLight = `
create table "access_tokens" (
	"token_hash" text not null,
	"user_id" text not null,
	"device_id" text not null,
	"expires_ts" integer,
	"refresh_hash" text,
	primary key ("token_hash")
) strict, without rowid;
create index "access_tokens_user_id_device_id_idx" on "access_tokens" ("user_id", "device_id");
create index "access_tokens_refresh_hash_idx" on "access_tokens" ("refresh_hash") where "refresh_hash" is not null;
create table "account_data" (
	"user_id" integer not null,
	"room_id" integer not null,
	"type" integer not null,
	"content" text,
	"pos" integer not null,
	primary key ("user_id", "room_id", "type")
) strict;
create index "account_data_user_id_pos_idx" on "account_data" ("user_id", "pos");
create table "accounts" (
	"user_id" text not null,
	"password_hash" text,
	"is_admin" integer not null,
	"is_guest" integer not null,
	"is_deactivated" integer not null,
	"is_locked" integer not null,
	"is_suspended" integer not null,
	"is_erased" integer not null,
	"created_day" integer not null,
	primary key ("user_id")
) strict, without rowid;
create table "cross_signing_keys" (
	"user_id" text not null,
	"usage" text not null,
	"json" text not null,
	primary key ("user_id", "usage")
) strict;
create table "device_keys" (
	"user_id" text not null,
	"device_id" text not null,
	"json" text not null,
	"display_name" text,
	primary key ("user_id", "device_id")
) strict;
create table "devices" (
	"user_id" text not null,
	"device_id" text not null,
	"display_name" text,
	"last_seen_day" integer,
	primary key ("user_id", "device_id")
) strict, without rowid;
create table "fallback_keys" (
	"user_id" text not null,
	"device_id" text not null,
	"algorithm" text not null,
	"key_id" text not null,
	"json" text not null,
	"is_used" integer not null,
	primary key ("user_id", "device_id", "algorithm")
) strict;
create table "filters" (
	"user_id" text not null,
	"filter_id" text not null,
	"filter" text not null,
	primary key ("user_id", "filter_id")
) strict;
create table "key_signatures" (
	"user_id" text not null,
	"target_id" text not null,
	"signer" text not null,
	"signer_key_id" text not null,
	"signature" text not null,
	primary key ("user_id", "target_id", "signer", "signer_key_id")
) strict, without rowid;
create table "one_time_keys" (
	"id" integer not null,
	"user_id" text not null,
	"device_id" text not null,
	"algorithm" text not null,
	"key_id" text not null,
	"json" text not null,
	primary key ("id")
) strict;
create unique index "one_time_keys_user_id_device_id_key_id_key" on "one_time_keys" ("user_id", "device_id", "key_id");
create index "one_time_keys_user_id_device_id_algorithm_id_idx" on "one_time_keys" ("user_id", "device_id", "algorithm", "id");
create table "profiles" (
	"user_id" text not null,
	"key" text not null,
	"value" text,
	"pos" integer not null,
	primary key ("user_id", "key")
) strict;
create table "pushers" (
	"user_id" text not null,
	"app_id" text not null,
	"pushkey" text not null,
	"device_id" text not null,
	"json" text not null,
	"pos" integer not null,
	primary key ("user_id", "app_id", "pushkey")
) strict;
create index "pushers_app_id_pushkey_idx" on "pushers" ("app_id", "pushkey");
create table "refresh_tokens" (
	"token_hash" text not null,
	"user_id" text not null,
	"device_id" text not null,
	"expires_ts" integer,
	"next_hash" text,
	primary key ("token_hash")
) strict, without rowid;
create index "refresh_tokens_user_id_device_id_idx" on "refresh_tokens" ("user_id", "device_id");
create index "refresh_tokens_next_hash_idx" on "refresh_tokens" ("next_hash") where "next_hash" is not null;
create table "registration_tokens" (
	"token_hash" text not null,
	"name" text not null,
	"uses_allowed" integer,
	"uses_done" integer not null,
	"expires_ts" integer,
	"makes_admin" integer not null,
	primary key ("token_hash")
) strict, without rowid;
create table "remote_device_lists" (
	"user_id" text not null,
	"stream_id" integer not null,
	"is_stale" integer not null,
	"fetched_pos" integer not null,
	primary key ("user_id")
) strict, without rowid;
create index "remote_device_lists_is_stale_user_id_idx" on "remote_device_lists" ("is_stale", "user_id");
create table "to_device" (
	"id" integer not null,
	"user_id" text not null,
	"device_id" text not null,
	"pos" integer not null,
	"sender" text not null,
	"type" text not null,
	"content" text not null,
	primary key ("id")
) strict;
create index "to_device_user_id_device_id_pos_id_idx" on "to_device" ("user_id", "device_id", "pos", "id");
create table "to_device_received" (
	"origin" text not null,
	"message_id" text not null,
	"received_ts" integer not null,
	primary key ("origin", "message_id")
) strict, without rowid;
create index "to_device_received_received_ts_idx" on "to_device_received" ("received_ts");
create table "aliases" (
	"alias" text not null,
	"room_id" integer not null,
	"creator" integer not null,
	"servers" text not null,
	primary key ("alias")
) strict;
create index "aliases_room_id_idx" on "aliases" ("room_id");
create table "current_state" (
	"room_id" integer not null,
	"type" integer not null,
	"state_key" integer not null,
	"event_nid" integer not null,
	primary key ("room_id", "type", "state_key")
) strict, without rowid;
create table "events" (
	"nid" integer not null,
	"event_id" text not null,
	"room_id" integer not null,
	"type" integer not null,
	"state_key" integer,
	"sender" integer not null,
	"depth" integer not null,
	"origin_server_ts" integer not null,
	"received_ts" integer not null,
	"anchor" integer,
	"minor" integer,
	"state_before" integer,
	"state_partial" integer not null,
	"rejected" text,
	"soft_failed" integer not null,
	"outlier" integer not null,
	"redacted_by" integer,
	"relates_to" text,
	"rel_type" text,
	"notify_count" integer not null,
	"thread_notify_count" integer not null,
	"json" text not null,
	primary key ("nid")
) strict;
create unique index "events_event_id_key" on "events" ("event_id");
create unique index "events_room_id_anchor_minor_key" on "events" ("room_id", "anchor", "minor");
create index "events_room_id_relates_to_anchor_minor_idx" on "events" ("room_id", "relates_to", "anchor", "minor") where "relates_to" is not null;
create index "events_room_id_origin_server_ts_idx" on "events" ("room_id", "origin_server_ts") where "anchor" is not null;
create table "gaps" (
	"event_nid" integer not null,
	"missing" text not null,
	"room_id" integer not null,
	primary key ("event_nid", "missing")
) strict, without rowid;
create index "gaps_missing_idx" on "gaps" ("missing");
create index "gaps_room_id_idx" on "gaps" ("room_id");
create table "media" (
	"origin" text not null,
	"media_id" text not null,
	"uploader" text,
	"content_type" text not null,
	"file_name" text,
	"size_bytes" integer,
	"sha256" text,
	"is_quarantined" integer not null,
	"created_ts" integer not null,
	"last_used_day" integer not null,
	primary key ("origin", "media_id")
) strict, without rowid;
create index "media_sha256_idx" on "media" ("sha256") where "sha256" is not null;
create index "media_uploader_media_id_idx" on "media" ("uploader", "media_id") where "uploader" is not null;
create table "media_references" (
	"origin" text not null,
	"media_id" text not null,
	"event_id" text not null,
	primary key ("origin", "media_id", "event_id")
) strict, without rowid;
create index "media_references_event_id_idx" on "media_references" ("event_id");
create table "memberships" (
	"room_id" integer not null,
	"user_id" integer not null,
	"membership" text not null,
	"event_nid" integer,
	"sender" integer not null,
	"is_local" integer not null,
	"stripped_state" text,
	"pos" integer not null,
	"forgotten" integer not null,
	primary key ("room_id", "user_id")
) strict;
create index "memberships_room_id_membership_user_id_idx" on "memberships" ("room_id", "membership", "user_id");
create index "memberships_room_id_membership_pos_idx" on "memberships" ("room_id", "membership", "pos");
create index "memberships_user_id_membership_room_id_idx" on "memberships" ("user_id", "membership", "room_id");
create table "meta" (
	"name" text not null,
	"value" text not null,
	primary key ("name")
) strict, without rowid;
create table "receipts" (
	"room_id" integer not null,
	"user_id" integer not null,
	"type" integer not null,
	"thread_id" text not null,
	"event_id" text not null,
	"ts" integer not null,
	"data" text not null,
	"pos" integer not null,
	primary key ("room_id", "user_id", "type", "thread_id")
) strict;
create index "receipts_room_id_pos_idx" on "receipts" ("room_id", "pos");
create table "room_heads" (
	"room_id" integer not null,
	"pos" integer not null,
	"version" integer not null,
	"root" integer not null,
	primary key ("room_id", "pos")
) strict, without rowid;
create table "room_servers" (
	"room_id" integer not null,
	"server" integer not null,
	"from_pos" integer not null,
	"to_pos" integer,
	primary key ("room_id", "server", "from_pos")
) strict, without rowid;
create index "room_servers_server_to_pos_idx" on "room_servers" ("server", "to_pos");
create table "rooms" (
	"room_id" integer not null,
	"version" text not null,
	"creator" integer,
	"head_version" integer not null,
	"head_pos" integer not null,
	"head_root" integer,
	"extremities" text not null,
	"depth" integer not null,
	"notify_count" integer not null,
	"is_partial" integer not null,
	"is_published" integer not null,
	"is_blocked" integer not null,
	primary key ("room_id")
) strict;
create index "rooms_is_published_room_id_idx" on "rooms" ("is_published", "room_id");
create table "sequence" (
	"id" integer not null,
	"next" integer not null,
	primary key ("id")
) strict;
create table "stream" (
	"pos" integer not null,
	"kind" text not null,
	"room_id" integer,
	"subject" text,
	"ref" integer,
	"relay" integer not null,
	"extra" text,
	primary key ("pos")
) strict;
create table "stream_head" (
	"id" integer not null,
	"pos" integer not null,
	primary key ("id")
) strict;
create table "strings" (
	"id" integer not null,
	"text" text not null,
	primary key ("id")
) strict;
create unique index "strings_text_key" on "strings" ("text");
create table "trie_nodes" (
	"room_id" integer not null,
	"node" integer not null,
	"body" blob not null,
	primary key ("room_id", "node")
) strict, without rowid;
create table "client_transaction_events" (
	"event_id" text not null,
	"user_id" text not null,
	"device_id" text not null,
	"txn_id" text not null,
	"ts" integer not null,
	primary key ("event_id")
) strict, without rowid;
create index "client_transaction_events_ts_idx" on "client_transaction_events" ("ts");
create index "client_transaction_events_user_id_device_id_idx" on "client_transaction_events" ("user_id", "device_id");
create table "client_transactions" (
	"user_id" text not null,
	"device_id" text not null,
	"method" text not null,
	"endpoint" text not null,
	"room_id" text not null,
	"txn_id" text not null,
	"answer" text,
	"ts" integer not null,
	primary key ("user_id", "device_id", "method", "endpoint", "room_id", "txn_id")
) strict;
create index "client_transactions_ts_idx" on "client_transactions" ("ts");
create table "cursors" (
	"name" text not null,
	"acked" integer not null,
	"in_flight_txn_id" text,
	"in_flight_to" integer,
	"in_flight_body" text,
	"failing_since_ts" integer,
	"attempts" integer not null,
	"retry_ts" integer,
	primary key ("name")
) strict, without rowid;
create table "inbound_staging" (
	"id" integer not null,
	"origin" text not null,
	"txn_id" text not null,
	"index" integer not null,
	"json" text not null,
	"received_ts" integer not null,
	primary key ("id")
) strict;
create unique index "inbound_staging_origin_txn_id_index_key" on "inbound_staging" ("origin", "txn_id", "index");
create table "inbound_transactions" (
	"origin" text not null,
	"txn_id" text not null,
	"answer" text not null,
	"received_ts" integer not null,
	primary key ("origin", "txn_id")
) strict, without rowid;
create index "inbound_transactions_received_ts_idx" on "inbound_transactions" ("received_ts");
create table "jobs" (
	"id" integer not null,
	"kind" text not null,
	"key" text not null,
	"payload" text not null,
	"due_ts" integer not null,
	"attempts" integer not null,
	"leased_until_ts" integer,
	primary key ("id")
) strict;
create unique index "jobs_kind_key_key" on "jobs" ("kind", "key");
create index "jobs_due_ts_idx" on "jobs" ("due_ts");
create table "outgoing_edus" (
	"id" integer not null,
	"destination" text not null,
	"pos" integer not null,
	"type" text not null,
	"content" text not null,
	primary key ("id")
) strict;
create index "outgoing_edus_destination_pos_id_idx" on "outgoing_edus" ("destination", "pos", "id");
create table "server_keys" (
	"server" text not null,
	"key_id" text not null,
	"key" text not null,
	"valid_until_ts" integer not null,
	"expired_ts" integer,
	"fetched_ts" integer not null,
	primary key ("server", "key_id")
) strict, without rowid;
insert into "sequence" ("id", "next") values (1, 1);
insert into "stream_head" ("id", "pos") values (1, 0);
`;
