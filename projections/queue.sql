-- The live queue. {table} stands for this version's table, e.g. queue_v1.

-- name: create_table
create table {table} (
    stream          text collate "C" primary key,
    position        bigint not null,
    case_id         text collate "C" not null,
    platform        text not null,
    shop            text not null,
    category        text,
    order_id        text,
    filed_at        timestamptz,
    round           int not null,
    problems        text[] not null,
    severity        smallint not null,
    priority        smallint not null,
    safety          boolean not null,
    assignee        text,
    holder          text,
    held_until      timestamptz,
    turn            text,
    next_action     text,
    about           text,
    payout          text,
    platform_due_at timestamptz,
    currency        text,
    owed            numeric not null,
    refunded        numeric not null,
    clock           text[] not null,
    clock_party     text[] not null,
    clock_every     int[] not null,
    due_at          timestamptz[] not null,
    rank            text collate "C",
    late_since      timestamptz,
    due             timestamptz,
    holds_from      timestamptz not null default '-infinity',
    holds_until     timestamptz not null default '-infinity',
    judged_by       int,
    check (rank is not null and judged_by is not null or holds_until = '-infinity')
)

-- name: create_indexes
create index on {table} (rank);
create index on {table} (turn, rank);
create index on {table} (late_since, rank) where turn = 'shop' and late_since is not null;
create index on {table} (holds_until);
create index on {table} (holds_from);
create index on {table} (judged_by);
create index on {table} (shop);
create index on {table} (assignee) where assignee is not null;
create index on {table} (priority, rank) where priority > 0

-- name: upsert_rows
-- Whatever is written has to be judged anew.
insert into {table} as kept (
    stream, position, case_id, platform, shop, category, order_id, filed_at, round, problems,
    severity, priority, safety, assignee, holder, held_until, turn, next_action, about, payout,
    platform_due_at, currency, owed, refunded, clock, clock_party, clock_every, due_at)
select stream, position, case_id, platform, shop, category, order_id, filed_at, round, problems,
       severity, priority, safety, assignee, holder, held_until, turn, next_action, about, payout,
       platform_due_at, currency, owed, refunded, clock, clock_party, clock_every, due_at
from json_populate_recordset(null::{table}, %(rows)s)
on conflict (stream) do update set
    position = excluded.position, platform = excluded.platform, shop = excluded.shop,
    category = excluded.category, order_id = excluded.order_id, filed_at = excluded.filed_at,
    round = excluded.round, problems = excluded.problems, severity = excluded.severity,
    priority = excluded.priority, safety = excluded.safety, assignee = excluded.assignee,
    holder = excluded.holder, held_until = excluded.held_until, turn = excluded.turn,
    next_action = excluded.next_action, about = excluded.about,
    payout = excluded.payout, platform_due_at = excluded.platform_due_at,
    currency = excluded.currency, owed = excluded.owed, refunded = excluded.refunded,
    clock = excluded.clock, clock_party = excluded.clock_party,
    clock_every = excluded.clock_every, due_at = excluded.due_at,
    holds_from = default, holds_until = default
where kept.position < excluded.position

-- name: delete_rows
-- Of cases that were touched and have no row any more.
delete from {table} as kept
using json_to_recordset(%(touched)s) as touched (stream text, position bigint)
where kept.stream = touched.stream and kept.position < touched.position

-- name: select_entries
-- Of these cases, as far as they are open: what is told of them.
select stream, position, case_id, platform, shop, category, order_id, filed_at, round, problems,
       severity, priority, safety, assignee, holder, held_until, turn, next_action, about, payout,
       platform_due_at, currency, owed, refunded, clock, clock_party, clock_every, due_at
from {table} where stream = any (%(streams)s::text[])

-- name: create_replay
-- What a replay to a past moment fills, in the place of the views of these names.
create temporary table open_cases (like {table} including all) on commit drop;
create temporary view ranked_cases as select * from open_cases

-- name: create_readers
-- The facts. For their order see queue_order.sql.
create or replace view open_cases as
select stream, position, case_id, platform, shop, category, order_id, filed_at, round, problems,
       severity, priority, safety, assignee, holder, held_until, turn, next_action, about, payout,
       platform_due_at, currency, owed, refunded, clock, clock_party, clock_every, due_at
from {table};
comment on view open_cases is
    'Open cases as stored: facts only, nothing that depends on the time of asking. For work, see live_queue.';
comment on column open_cases.stream is 'Name of the case''s stream in the log.';
comment on column open_cases.position is 'Position in the log of the last event that changed this row.';
comment on column open_cases.case_id is 'platform:shop:after-sale number.';
comment on column open_cases.platform is 'douyin, kuaishou, taobao or other.';
comment on column open_cases.shop is 'Shop on the platform.';
comment on column open_cases.category is 'Product category, null while unknown.';
comment on column open_cases.order_id is 'platform:shop:order number, null while unknown.';
comment on column open_cases.filed_at is 'When the earliest complaint was made.';
comment on column open_cases.round is '1 for the first; a buyer whose problem is not solved opens the next.';
comment on column open_cases.problems is 'Problem types of the items, verified or as claimed, without repeats.';
comment on column open_cases.severity is '0 low, 1 medium, 2 high.';
comment on column open_cases.priority is '0 normal, 1 high, 2 urgent.';
comment on column open_cases.safety is 'The complaint is a matter of safety.';
comment on column open_cases.assignee is 'Who works on it, null for nobody.';
comment on column open_cases.holder is 'Agent whose claim was recorded last and not ended, null for nobody.';
comment on column open_cases.held_until is 'When that claim lapses; once past, nobody holds the case.';
comment on column open_cases.turn is 'Party whose turn it is.';
comment on column open_cases.next_action is 'What that party does next, as a stable code.';
comment on column open_cases.about is 'Part of the case that the next action concerns, or empty.';
comment on column open_cases.payout is 'failed or unknown: a payout has to be checked. Null: none.';
comment on column open_cases.platform_due_at is 'Earliest deadline that the platform itself set for what is still to be done.';
comment on column open_cases.currency is 'ISO 4217 code of owed and refunded.';
comment on column open_cases.owed is 'Refunds agreed or ruled and not yet asked for, in the currency.';
comment on column open_cases.refunded is 'Paid back and not reversed, in the currency.';
comment on column open_cases.clock is 'Names of the running clocks, one element a due time; parallel to the next three.';
comment on column open_cases.clock_party is 'Party whose clock it is.';
comment on column open_cases.clock_every is 'Minutes of a recurring clock''s period at its next due time; 0 otherwise.';
comment on column open_cases.due_at is 'Due time; for a recurring clock also those missed in a row.';
