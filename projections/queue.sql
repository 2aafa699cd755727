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
    due_at          timestamptz[] not null
)

-- name: upsert_rows
insert into {table} as kept
select * from json_populate_recordset(null::{table}, %(rows)s)
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
    clock_every = excluded.clock_every, due_at = excluded.due_at
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
-- What a replay to a past moment fills, in the place of the view of that name.
create temporary table open_cases (like {table} including all) on commit drop

-- name: create_readers
-- The order stands here and nowhere else. The function's body is text, so that it reads what
-- `open_cases` means when it is called: a replay puts a temporary table of its own in that place.
drop view if exists open_cases cascade;
create view open_cases as
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

drop function if exists live_queue_at(timestamptz) cascade;
create function live_queue_at(at timestamptz) returns table (
    place bigint, case_id text, platform text, shop text, zone text, category text,
    order_id text, filed_at timestamptz, round int, problems text[], severity text,
    priority text, assignee text, holder text, held_until timestamptz, turn text,
    next_action text, about text, reasons text[],
    next_due_at timestamptz, next_due_clock text, next_due_party text,
    savable_due_at timestamptz, start_by timestamptz, slack interval,
    overdue_since timestamptz, platform_due_at timestamptz, handling_minutes int,
    currency text, owed numeric, refunded numeric
) language sql stable as $$
with scope as materialized (
    select s.platform, s.shop, s.category, zone_at(s.platform, s.shop, at) as zone, p.*
    from (select distinct q.platform, q.shop, q.category from open_cases q) s,
         procedure_at(s.platform, s.shop, s.category, at) p
), judged as (
    select q.*, s.zone, d.*, h.handling_minutes,
           coalesce(q.platform_due_at <= at + make_interval(hours => s.deadline_hours), false)
               as deadline_near,
           q.safety or q.problems && s.safety_types as is_safety,
           d.savable_due_at - make_interval(mins => h.handling_minutes) as start_by,
           case when d.savable_due_at is not null then 0
                when d.overdue_since is not null then 1 else 2 end as standing
    from open_cases q
    join scope s on s.platform = q.platform and s.shop = q.shop
        and s.category is not distinct from q.category
    cross join lateral (
        select min(c.pending_at) filter (where c.party = 'shop') as savable_due_at,
               min(c.due_at) filter (where c.party = 'shop' and c.due_at <= at) as overdue_since,
               (array_agg(c.pending_at order by c.pending_at, c.clock))[1] as next_due_at,
               (array_agg(c.clock order by c.pending_at, c.clock))[1] as next_due_clock,
               (array_agg(c.party order by c.pending_at, c.clock))[1] as next_due_party
        from (
            -- pending_at: when the clock is breached next; a recurring one always has a next.
            select u.clock, u.party, u.due_at,
                   case when u.due_at > at then u.due_at
                        when u.every > 0 then u.due_at + make_interval(mins => u.every) * (
                            floor(extract(epoch from at - u.due_at) / (60 * u.every)) + 1)
                   end as pending_at
            from unnest(q.clock, q.clock_party, q.clock_every, q.due_at)
                as u (clock, party, every, due_at)
        ) c
    ) d
    cross join lateral (
        select coalesce(max((s.handling_minutes ->> p.problem)::int), 0) as handling_minutes
        from unnest(q.problems) as p (problem)
    ) h
)
select row_number() over (
           order by j.deadline_near or j.payout is not null or j.is_safety desc,
                    j.standing,
                    case j.standing when 0 then j.start_by when 1 then j.overdue_since end,
                    j.severity desc, j.priority desc, j.filed_at, j.case_id),
       j.case_id, j.platform, j.shop, j.zone, j.category, j.order_id, j.filed_at, j.round,
       j.problems, (array['low', 'medium', 'high'])[j.severity + 1],
       (array['normal', 'high', 'urgent'])[j.priority + 1],
       j.assignee, case when j.held_until > at then j.holder end,
       case when j.held_until > at then j.held_until end, j.turn, j.next_action, j.about,
       array_remove(array[
           case when j.deadline_near then 'platform_deadline' end,
           'payout_' || j.payout,
           case when j.is_safety then 'safety' end,
           (array['least_slack', 'breached', 'no_shop_clock'])[j.standing + 1],
           case when j.severity > 0 then (array['severity_medium', 'severity_high'])[j.severity] end,
           case when j.priority > 0 then (array['priority_high', 'priority_urgent'])[j.priority] end
       ], null),
       j.next_due_at, j.next_due_clock, j.next_due_party, j.savable_due_at, j.start_by,
       j.start_by - at, j.overdue_since, j.platform_due_at, j.handling_minutes,
       j.currency, j.owed, j.refunded
from judged j
$$;
comment on function live_queue_at(timestamptz) is
    'The live queue as it stands at that moment by the facts stored now.';

drop view if exists live_queue;
create view live_queue as select * from live_queue_at(statement_timestamp());
comment on view live_queue is
    'Open cases in the order in which they should be worked on, right to the second of asking.';
comment on column live_queue.place is 'Place in the queue of all shops, from 1.';
comment on column live_queue.case_id is 'platform:shop:after-sale number.';
comment on column live_queue.platform is 'douyin, kuaishou, taobao or other.';
comment on column live_queue.shop is 'Shop on the platform.';
comment on column live_queue.zone is 'The shop''s time zone, an IANA name.';
comment on column live_queue.category is 'Product category, null while unknown.';
comment on column live_queue.order_id is 'platform:shop:order number, null while unknown.';
comment on column live_queue.filed_at is 'When the earliest complaint was made.';
comment on column live_queue.round is '1 for the first; a buyer whose problem is not solved opens the next.';
comment on column live_queue.problems is 'Problem types of the items, verified or as claimed, without repeats.';
comment on column live_queue.severity is 'low, medium or high.';
comment on column live_queue.priority is 'normal, high or urgent.';
comment on column live_queue.assignee is 'Who works on it, null for nobody.';
comment on column live_queue.holder is 'Agent who has claimed it and works on it now, null for nobody.';
comment on column live_queue.held_until is 'When that claim lapses unless it is renewed.';
comment on column live_queue.turn is 'Party whose turn it is.';
comment on column live_queue.next_action is 'What that party does next, as a stable code.';
comment on column live_queue.about is 'Part of the case that the next action concerns, or empty.';
comment on column live_queue.reasons is 'Why it stands where it stands: platform_deadline, payout_failed, payout_unknown, safety (these come first); least_slack, breached or no_shop_clock; severity_… and priority_… above the lowest.';
comment on column live_queue.next_due_at is 'Earliest running due time that has not passed, of any party.';
comment on column live_queue.next_due_clock is 'Which clock that is.';
comment on column live_queue.next_due_party is 'Whose clock that is.';
comment on column live_queue.savable_due_at is 'Earliest due time of a shop''s running clock that has not passed.';
comment on column live_queue.start_by is 'savable_due_at less the expected handling time: the latest moment to begin.';
comment on column live_queue.slack is 'Time left until start_by; negative when it is probably too late.';
comment on column live_queue.overdue_since is 'Oldest passed due time of a shop''s clock that still runs.';
comment on column live_queue.platform_due_at is 'Earliest deadline that the platform itself set for what is still to be done.';
comment on column live_queue.handling_minutes is 'Expected handling time in minutes: the longest of its problem types'', by the shop''s procedure.';
comment on column live_queue.currency is 'ISO 4217 code of owed and refunded.';
comment on column live_queue.owed is 'Refunds agreed or ruled and not yet asked for, in the currency.';
comment on column live_queue.refunded is 'Paid back and not reversed, in the currency.';
