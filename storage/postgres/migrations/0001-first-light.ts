/** The schema of the first release. */
export const firstLight = `
create table "access_tokens" (
	"token_hash" text collate "C" not null,
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"expires_ts" bigint,
	"refresh_hash" text collate "C",
	primary key ("token_hash")
);
create index "access_tokens_user_id_device_id_idx" on "access_tokens" ("user_id", "device_id");
create index "access_tokens_refresh_hash_idx" on "access_tokens" ("refresh_hash") where "refresh_hash" is not null;
create table "account_data" (
	"user_id" bigint not null,
	"room_id" bigint not null,
	"type" bigint not null,
	"content" text collate "C",
	"pos" bigint not null,
	primary key ("user_id", "room_id", "type")
);
create index "account_data_user_id_pos_idx" on "account_data" ("user_id", "pos");
create table "accounts" (
	"user_id" text collate "C" not null,
	"password_hash" text collate "C",
	"is_admin" smallint not null,
	"is_guest" smallint not null,
	"is_deactivated" smallint not null,
	"is_locked" smallint not null,
	"is_suspended" smallint not null,
	"is_erased" smallint not null,
	"created_day" bigint not null,
	primary key ("user_id")
);
create table "cross_signing_keys" (
	"user_id" text collate "C" not null,
	"usage" text collate "C" not null,
	"json" text collate "C" not null,
	primary key ("user_id", "usage")
);
create table "device_keys" (
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"json" text collate "C" not null,
	"display_name" text collate "C",
	primary key ("user_id", "device_id")
);
create table "devices" (
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"display_name" text collate "C",
	"last_seen_day" bigint,
	primary key ("user_id", "device_id")
);
create table "fallback_keys" (
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"algorithm" text collate "C" not null,
	"key_id" text collate "C" not null,
	"json" text collate "C" not null,
	"is_used" smallint not null,
	primary key ("user_id", "device_id", "algorithm")
);
create table "filters" (
	"user_id" text collate "C" not null,
	"filter_id" text collate "C" not null,
	"filter" text collate "C" not null,
	primary key ("user_id", "filter_id")
);
create table "key_signatures" (
	"user_id" text collate "C" not null,
	"target_id" text collate "C" not null,
	"signer" text collate "C" not null,
	"signer_key_id" text collate "C" not null,
	"signature" text collate "C" not null,
	primary key ("user_id", "target_id", "signer", "signer_key_id")
);
create table "one_time_keys" (
	"id" bigint not null,
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"algorithm" text collate "C" not null,
	"key_id" text collate "C" not null,
	"json" text collate "C" not null,
	primary key ("id")
);
create unique index "one_time_keys_user_id_device_id_key_id_key" on "one_time_keys" ("user_id", "device_id", "key_id");
create index "one_time_keys_user_id_device_id_algorithm_id_idx" on "one_time_keys" ("user_id", "device_id", "algorithm", "id");
create table "profiles" (
	"user_id" text collate "C" not null,
	"key" text collate "C" not null,
	"value" text collate "C",
	"pos" bigint not null,
	primary key ("user_id", "key")
);
create table "pushers" (
	"user_id" text collate "C" not null,
	"app_id" text collate "C" not null,
	"pushkey" text collate "C" not null,
	"device_id" text collate "C" not null,
	"json" text collate "C" not null,
	"pos" bigint not null,
	primary key ("user_id", "app_id", "pushkey")
);
create index "pushers_app_id_pushkey_idx" on "pushers" ("app_id", "pushkey");
create table "refresh_tokens" (
	"token_hash" text collate "C" not null,
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"expires_ts" bigint,
	"next_hash" text collate "C",
	primary key ("token_hash")
);
create index "refresh_tokens_user_id_device_id_idx" on "refresh_tokens" ("user_id", "device_id");
create index "refresh_tokens_next_hash_idx" on "refresh_tokens" ("next_hash") where "next_hash" is not null;
create table "registration_tokens" (
	"token_hash" text collate "C" not null,
	"name" text collate "C" not null,
	"uses_allowed" bigint,
	"uses_done" bigint not null,
	"expires_ts" bigint,
	"makes_admin" smallint not null,
	primary key ("token_hash")
);
create table "remote_device_lists" (
	"user_id" text collate "C" not null,
	"stream_id" bigint not null,
	"is_stale" smallint not null,
	"fetched_pos" bigint not null,
	primary key ("user_id")
);
create index "remote_device_lists_is_stale_user_id_idx" on "remote_device_lists" ("is_stale", "user_id");
create table "to_device" (
	"id" bigint not null,
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"pos" bigint not null,
	"sender" text collate "C" not null,
	"type" text collate "C" not null,
	"content" text collate "C" not null,
	primary key ("id")
);
create index "to_device_user_id_device_id_pos_id_idx" on "to_device" ("user_id", "device_id", "pos", "id");
create table "to_device_received" (
	"origin" text collate "C" not null,
	"message_id" text collate "C" not null,
	"received_ts" bigint not null,
	primary key ("origin", "message_id")
);
create index "to_device_received_received_ts_idx" on "to_device_received" ("received_ts");
create table "aliases" (
	"alias" text collate "C" not null,
	"room_id" bigint not null,
	"creator" bigint not null,
	"servers" text collate "C" not null,
	primary key ("alias")
);
create index "aliases_room_id_idx" on "aliases" ("room_id");
create table "current_state" (
	"room_id" bigint not null,
	"type" bigint not null,
	"state_key" bigint not null,
	"event_nid" bigint not null,
	primary key ("room_id", "type", "state_key")
);
create table "events" (
	"nid" bigint not null,
	"event_id" text collate "C" not null,
	"room_id" bigint not null,
	"type" bigint not null,
	"state_key" bigint,
	"sender" bigint not null,
	"depth" bigint not null,
	"origin_server_ts" bigint not null,
	"received_ts" bigint not null,
	"anchor" bigint,
	"minor" bigint,
	"state_before" bigint,
	"state_partial" smallint not null,
	"rejected" text collate "C",
	"soft_failed" smallint not null,
	"outlier" smallint not null,
	"redacted_by" bigint,
	"relates_to" text collate "C",
	"rel_type" text collate "C",
	"notify_count" bigint not null,
	"thread_notify_count" bigint not null,
	"json" text collate "C" not null,
	primary key ("nid")
);
create unique index "events_event_id_key" on "events" ("event_id");
create unique index "events_room_id_anchor_minor_key" on "events" ("room_id", "anchor", "minor");
create index "events_room_id_relates_to_anchor_minor_idx" on "events" ("room_id", "relates_to", "anchor", "minor") where "relates_to" is not null;
create index "events_room_id_origin_server_ts_idx" on "events" ("room_id", "origin_server_ts") where "anchor" is not null;
create table "gaps" (
	"event_nid" bigint not null,
	"missing" text collate "C" not null,
	"room_id" bigint not null,
	primary key ("event_nid", "missing")
);
create index "gaps_missing_idx" on "gaps" ("missing");
create index "gaps_room_id_idx" on "gaps" ("room_id");
create table "media" (
	"origin" text collate "C" not null,
	"media_id" text collate "C" not null,
	"uploader" text collate "C",
	"content_type" text collate "C" not null,
	"file_name" text collate "C",
	"size_bytes" bigint,
	"sha256" text collate "C",
	"is_quarantined" smallint not null,
	"created_ts" bigint not null,
	"last_used_day" bigint not null,
	primary key ("origin", "media_id")
);
create index "media_sha256_idx" on "media" ("sha256") where "sha256" is not null;
create index "media_uploader_media_id_idx" on "media" ("uploader", "media_id") where "uploader" is not null;
create table "media_references" (
	"origin" text collate "C" not null,
	"media_id" text collate "C" not null,
	"event_id" text collate "C" not null,
	primary key ("origin", "media_id", "event_id")
);
create index "media_references_event_id_idx" on "media_references" ("event_id");
create table "memberships" (
	"room_id" bigint not null,
	"user_id" bigint not null,
	"membership" text collate "C" not null,
	"event_nid" bigint,
	"sender" bigint not null,
	"is_local" smallint not null,
	"stripped_state" text collate "C",
	"pos" bigint not null,
	"forgotten" smallint not null,
	primary key ("room_id", "user_id")
);
create index "memberships_room_id_membership_user_id_idx" on "memberships" ("room_id", "membership", "user_id");
create index "memberships_room_id_membership_pos_idx" on "memberships" ("room_id", "membership", "pos");
create index "memberships_user_id_membership_room_id_idx" on "memberships" ("user_id", "membership", "room_id");
create table "meta" (
	"name" text collate "C" not null,
	"value" text collate "C" not null,
	primary key ("name")
);
create table "receipts" (
	"room_id" bigint not null,
	"user_id" bigint not null,
	"type" bigint not null,
	"thread_id" text collate "C" not null,
	"event_id" text collate "C" not null,
	"ts" bigint not null,
	"data" text collate "C" not null,
	"pos" bigint not null,
	primary key ("room_id", "user_id", "type", "thread_id")
);
create index "receipts_room_id_pos_idx" on "receipts" ("room_id", "pos");
create table "room_heads" (
	"room_id" bigint not null,
	"pos" bigint not null,
	"version" bigint not null,
	"root" bigint not null,
	primary key ("room_id", "pos")
);
create table "room_servers" (
	"room_id" bigint not null,
	"server" bigint not null,
	"from_pos" bigint not null,
	"to_pos" bigint,
	primary key ("room_id", "server", "from_pos")
);
create index "room_servers_server_to_pos_idx" on "room_servers" ("server", "to_pos");
create table "rooms" (
	"room_id" bigint not null,
	"version" text collate "C" not null,
	"creator" bigint,
	"head_version" bigint not null,
	"head_pos" bigint not null,
	"head_root" bigint,
	"extremities" text collate "C" not null,
	"depth" bigint not null,
	"notify_count" bigint not null,
	"is_partial" smallint not null,
	"is_published" smallint not null,
	"is_blocked" smallint not null,
	primary key ("room_id")
);
create index "rooms_is_published_room_id_idx" on "rooms" ("is_published", "room_id");
create table "sequence" (
	"id" bigint not null,
	"next" bigint not null,
	primary key ("id")
);
create table "stream" (
	"pos" bigint not null,
	"kind" text collate "C" not null,
	"room_id" bigint,
	"subject" text collate "C",
	"ref" bigint,
	"relay" smallint not null,
	"extra" text collate "C",
	primary key ("pos")
);
create table "stream_head" (
	"id" bigint not null,
	"pos" bigint not null,
	primary key ("id")
);
create table "strings" (
	"id" bigint not null,
	"text" text collate "C" not null,
	primary key ("id")
);
create unique index "strings_text_key" on "strings" ("text");
create table "trie_nodes" (
	"room_id" bigint not null,
	"node" bigint not null,
	"body" bytea not null,
	primary key ("room_id", "node")
);
create table "client_transaction_events" (
	"event_id" text collate "C" not null,
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"txn_id" text collate "C" not null,
	"ts" bigint not null,
	primary key ("event_id")
);
create index "client_transaction_events_ts_idx" on "client_transaction_events" ("ts");
create index "client_transaction_events_user_id_device_id_idx" on "client_transaction_events" ("user_id", "device_id");
create table "client_transactions" (
	"user_id" text collate "C" not null,
	"device_id" text collate "C" not null,
	"method" text collate "C" not null,
	"endpoint" text collate "C" not null,
	"room_id" text collate "C" not null,
	"txn_id" text collate "C" not null,
	"answer" text collate "C",
	"ts" bigint not null,
	primary key ("user_id", "device_id", "method", "endpoint", "room_id", "txn_id")
);
create index "client_transactions_ts_idx" on "client_transactions" ("ts");
create table "cursors" (
	"name" text collate "C" not null,
	"acked" bigint not null,
	"in_flight_txn_id" text collate "C",
	"in_flight_to" bigint,
	"in_flight_body" text collate "C",
	"failing_since_ts" bigint,
	"attempts" bigint not null,
	"retry_ts" bigint,
	primary key ("name")
);
create table "inbound_staging" (
	"id" bigint not null,
	"origin" text collate "C" not null,
	"txn_id" text collate "C" not null,
	"index" bigint not null,
	"json" text collate "C" not null,
	"received_ts" bigint not null,
	primary key ("id")
);
create unique index "inbound_staging_origin_txn_id_index_key" on "inbound_staging" ("origin", "txn_id", "index");
create table "inbound_transactions" (
	"origin" text collate "C" not null,
	"txn_id" text collate "C" not null,
	"answer" text collate "C" not null,
	"received_ts" bigint not null,
	primary key ("origin", "txn_id")
);
create index "inbound_transactions_received_ts_idx" on "inbound_transactions" ("received_ts");
create table "jobs" (
	"id" bigint not null,
	"kind" text collate "C" not null,
	"key" text collate "C" not null,
	"payload" text collate "C" not null,
	"due_ts" bigint not null,
	"attempts" bigint not null,
	"leased_until_ts" bigint,
	primary key ("id")
);
create unique index "jobs_kind_key_key" on "jobs" ("kind", "key");
create index "jobs_due_ts_idx" on "jobs" ("due_ts");
create table "outgoing_edus" (
	"id" bigint not null,
	"destination" text collate "C" not null,
	"pos" bigint not null,
	"type" text collate "C" not null,
	"content" text collate "C" not null,
	primary key ("id")
);
create index "outgoing_edus_destination_pos_id_idx" on "outgoing_edus" ("destination", "pos", "id");
create table "server_keys" (
	"server" text collate "C" not null,
	"key_id" text collate "C" not null,
	"key" text collate "C" not null,
	"valid_until_ts" bigint not null,
	"expired_ts" bigint,
	"fetched_ts" bigint not null,
	primary key ("server", "key_id")
);
insert into "sequence" ("id", "next") values (1, 1);
insert into "stream_head" ("id", "pos") values (1, 0);
`;
