/** Which accounts are of application services, and how much of people is learnt by whom. */
export const facts = `
create table "appservice_accounts" (
	"user_id" text collate "C" not null,
	"appservice_id" text collate "C" not null,
	primary key ("user_id")
);
create table "fact_counts" (
	"kind" text collate "C" not null,
	"name" text collate "C" not null,
	"day" bigint not null,
	"learnt" bigint not null,
	"refused" bigint not null,
	"probes" bigint not null,
	primary key ("kind", "name", "day")
);
create index "fact_counts_day_idx" on "fact_counts" ("day");
`;
