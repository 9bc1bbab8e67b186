/** Which accounts are of application services, and how much of people is learnt by whom. */
export const facts = `
create table "appservice_accounts" (
	"user_id" text not null,
	"appservice_id" text not null,
	primary key ("user_id")
) strict, without rowid;
create table "fact_counts" (
	"kind" text not null,
	"name" text not null,
	"day" integer not null,
	"learnt" integer not null,
	"refused" integer not null,
	"probes" integer not null,
	primary key ("kind", "name", "day")
) strict, without rowid;
create index "fact_counts_day_idx" on "fact_counts" ("day");
`;
