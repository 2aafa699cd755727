-- The order of the live queue: kept by index, and right whatever is kept.

-- name: renew_rules
-- Those by which cases are judged, as of a moment: whether they still hold is looked up once for
-- all readers. What says something else now is replaced, and so are all that were judged by it.
update case_rules as kept
set known = rules_known(), holds_from = found.holds_from, holds_until = found.holds_until,
    zone = found.zone, breached_share = found.breached_share,
    replaced = (kept.deadline_hours, kept.handling_minutes, kept.safety_types)
        is distinct from (found.deadline_hours, found.handling_minutes, found.safety_types)
from (
    select r.id, z.zone, s.holds_from, s.holds_until, p.*
    from case_rules r,
         zone_at(r.platform, r.shop, %(at)s) as z (zone),
         rules_span_at(r.platform, r.shop, r.category, %(at)s) s,
         procedure_at(r.platform, r.shop, r.category, %(at)s) p
    where not r.replaced
      and not (r.known = rules_known() and r.holds_from <= %(at)s and %(at)s < r.holds_until)
) found
where kept.id = found.id

-- name: insert_rules
-- For the cases that are to be judged next, where there are none.
insert into case_rules (platform, shop, category, zone, deadline_hours, handling_minutes,
                        safety_types, breached_share, known, holds_from, holds_until)
select c.platform, c.shop, c.category, zone_at(c.platform, c.shop, %(at)s), p.deadline_hours,
       p.handling_minutes, p.safety_types, p.breached_share, rules_known(), s.holds_from,
       s.holds_until
from (
    select distinct q.platform, q.shop, q.category from {table} q
    where q.stream = any (%(streams)s) and not exists (
        select from case_rules r
        where not r.replaced and r.platform = q.platform and r.shop = q.shop
          and r.category is not distinct from q.category)
) c,
     procedure_at(c.platform, c.shop, c.category, %(at)s) p,
     rules_span_at(c.platform, c.shop, c.category, %(at)s) s
on conflict do nothing

-- name: select_unranked
-- Some of the rows whose place is not known any more at a moment.
select stream
from (
    (select stream from {table} where holds_until <= %(at)s order by holds_until limit %(most)s)
    union
    (select stream from {table} where holds_from > %(at)s order by holds_from limit %(most)s)
    union
    (select q.stream
     from case_rules r, lateral (
         select stream from {table} where judged_by = r.id limit %(most)s offset 0
     ) q
     where r.replaced)
) found
limit %(most)s

-- name: rank_rows
-- Nobody waits for this, and this for nobody.
with unranked as materialized (
    select * from {table} where stream = any (%(streams)s) for update skip locked
)
update {table} kept
set rank = j.rank, late_since = j.late_since, due = j.due, holds_from = j.holds_from,
    holds_until = j.holds_until, judged_by = r.id
from unranked q
join case_rules r on not r.replaced and r.platform = q.platform and r.shop = q.shop
    and r.category is not distinct from q.category
cross join lateral judge_case(
    %(at)s, q.case_id, q.filed_at, q.severity, q.priority, q.safety, q.problems, q.payout,
    q.platform_due_at, q.clock, q.clock_party, q.clock_every, q.due_at,
    r.deadline_hours, r.handling_minutes, r.safety_types) j
where kept.stream = q.stream

-- name: select_old_rules
-- Those that others took the place of.
select id from case_rules where replaced

-- name: select_used_rules
-- Those by which cases were judged that have not been judged again yet.
select r.id from unnest(%(rules)s::int[]) as r (id)
where exists (select from {table} q where q.judged_by = r.id)

-- name: delete_rules
-- Once no case was judged by them.
delete from case_rules where id = any (%(rules)s)

-- name: create_order_readers
-- The order stands in judge_case and nowhere else. The functions' bodies are text, so that they read
-- what `open_cases` and `ranked_cases` mean when they are called: a replay puts a temporary table of
-- its own in that place.
-- How a row's place is kept: `rank` sorts as the queue does (order by rank, nothing else), for any
-- moment from `holds_from` to before `holds_until`, while the rules `judged_by` are in force. It
-- need not be there, or be right, for the queue to be right: what does not hold is judged again by
-- whoever reads. Only how fast that is depends on it.
create or replace view ranked_cases as select * from {table};
comment on view ranked_cases is
    'Open cases as stored, and where each stood in the queue when that was last worked out. For work, see live_queue and queue_page_at, which know whether it still holds.';
do $$
declare
    said record;
begin
    for said in select attname, col_description(attrelid, attnum) as about from pg_attribute
                where attrelid = 'open_cases'::regclass and attnum > 0 loop
        execute format('comment on column ranked_cases.%I is %L', said.attname, said.about);
    end loop;
end $$;
comment on column ranked_cases.rank is 'Sorts as the queue does.';
comment on column ranked_cases.late_since is 'Since when a due time of the shop has been missed; infinity: it has none to meet; null: neither.';
comment on column ranked_cases.due is 'The earliest due time that runs: overdue_since, else next_due_at.';
comment on column ranked_cases.holds_from is 'From when on the three before are so, by the rules judged_by.';
comment on column ranked_cases.holds_until is 'Until when they are so; -infinity: they have to be worked out.';
comment on column ranked_cases.judged_by is 'The rules, of case_rules, by which they were worked out; null before the first time.';

create table if not exists case_rules (
    id               int generated always as identity primary key,
    platform         text not null,
    shop             text not null,
    category         text,
    zone             text,
    deadline_hours   int,
    handling_minutes jsonb,
    safety_types     text[],
    breached_share   int,
    known            text not null,
    holds_from       timestamptz not null,
    holds_until      timestamptz not null,
    replaced         boolean not null default false
);
create unique index if not exists case_rules_in_force
    on case_rules (platform, shop, category) nulls not distinct where not replaced;
-- What was judged by an earlier program may have been judged otherwise.
update case_rules set replaced = true where not replaced;

create or replace function sortable(moment timestamptz) returns text language sql immutable as $$
    -- 18 digits from the year 1 to 9999; nothing comes last.
    select coalesce(((extract(epoch from moment) * 1000000)::bigint + 200000000000000000)::text, '~')
$$;

create or replace function judge_case(
    at timestamptz, case_id text, filed_at timestamptz, severity smallint, priority smallint,
    safety boolean, problems text[], payout text, platform_due_at timestamptz, clock text[],
    clock_party text[], clock_every int[], due_at timestamptz[], deadline_hours int,
    minutes jsonb, safety_types text[]
) returns table (
    rank text, late_since timestamptz, due timestamptz, holds_from timestamptz,
    holds_until timestamptz, reasons text[], next_due_at timestamptz, next_due_clock text,
    next_due_party text, savable_due_at timestamptz, start_by timestamptz,
    overdue_since timestamptz, handling_minutes int
) language sql stable as $$
select case when w.deadline_near or payout is not null or w.is_safety then '0' else '1' end
           || w.standing
           || sortable(case w.standing when 0 then w.start_by when 1 then d.overdue_since end)
           || 9 - severity || 9 - priority || sortable(filed_at) || case_id,
       case when d.overdue_since is not null then d.overdue_since
            when w.standing = 2 then 'infinity' end,
       least(d.overdue_since, d.next_due_at),
       greatest(d.last_change, case when w.deadline_near then w.near_from end, '-infinity'),
       least(d.next_due_at, case when not w.deadline_near then w.near_from end, 'infinity'),
       array_remove(array[
           case when w.deadline_near then 'platform_deadline' end,
           'payout_' || payout,
           case when w.is_safety then 'safety' end,
           (array['least_slack', 'breached', 'no_shop_clock'])[w.standing + 1],
           case when severity > 0 then (array['severity_medium', 'severity_high'])[severity] end,
           case when priority > 0 then (array['priority_high', 'priority_urgent'])[priority] end
       ], null),
       d.next_due_at, d.next_due_clock, d.next_due_party, d.savable_due_at, w.start_by,
       d.overdue_since, h.handling_minutes
from (
    select min(c.pending_at) filter (where c.party = 'shop') as savable_due_at,
           min(c.due_at) filter (where c.party = 'shop' and c.due_at <= at) as overdue_since,
           min(c.pending_at) as next_due_at,
           (array_agg(c.clock order by c.pending_at, c.clock))[1] as next_due_clock,
           (array_agg(c.party order by c.pending_at, c.clock))[1] as next_due_party,
           max(c.changed_at) as last_change
    from (
        -- pending_at: when the clock is breached next; a recurring one always has a next.
        select u.clock, u.party, u.due_at,
               case when u.due_at > at then u.due_at
                    when u.every > 0 then u.due_at + p.period * (p.missed + 1) end as pending_at,
               case when u.due_at > at then null
                    when u.every > 0 then u.due_at + p.period * p.missed
                    else u.due_at end as changed_at
        from unnest(clock, clock_party, clock_every, due_at) as u (clock, party, every, due_at)
        cross join lateral (
            select make_interval(mins => u.every) as period,
                   case when u.every > 0 then
                       floor(extract(epoch from at - u.due_at) / (60 * u.every)) end as missed
        ) p
    ) c
) d
cross join lateral (
    select coalesce(max((minutes ->> p.problem)::int), 0) as handling_minutes
    from unnest(problems) as p (problem)
) h
cross join lateral (
    select platform_due_at - make_interval(hours => deadline_hours) as near_from,
           coalesce(platform_due_at - make_interval(hours => deadline_hours) <= at, false)
               as deadline_near,
           coalesce(safety or problems && safety_types, false) as is_safety,
           d.savable_due_at - make_interval(mins => h.handling_minutes) as start_by,
           case when d.savable_due_at is not null then 0
                when d.overdue_since is not null then 1 else 2 end as standing
) w
$$;

create or replace function case_rules_at(
    at timestamptz, of_platform text, of_shop text, of_category text, known_now text
) returns table (
    zone text, deadline_hours int, handling_minutes jsonb, safety_types text[], breached_share int
) language sql stable rows 1 as $$
    -- Looked up, or worked out if what is there need not be right then.
    select r.zone, r.deadline_hours, r.handling_minutes, r.safety_types, r.breached_share
    from case_rules r
    where not r.replaced and r.platform = of_platform and r.shop = of_shop
      and r.category is not distinct from of_category
      and r.known = known_now and r.holds_from <= at and at < r.holds_until
    union all
    select zone_at(of_platform, of_shop, at), p.deadline_hours, p.handling_minutes, p.safety_types,
           p.breached_share
    from procedure_at(of_platform, of_shop, of_category, at) p
    limit 1
$$;

create or replace function queue_entries_at(at timestamptz, streams text[], places bigint[]) returns table (
    place bigint, case_id text, platform text, shop text, zone text, category text,
    order_id text, filed_at timestamptz, round int, problems text[], severity text,
    priority text, assignee text, holder text, held_until timestamptz, turn text,
    next_action text, about text, reasons text[],
    next_due_at timestamptz, next_due_clock text, next_due_party text,
    savable_due_at timestamptz, start_by timestamptz, slack interval,
    overdue_since timestamptz, platform_due_at timestamptz, handling_minutes int,
    currency text, owed numeric, refunded numeric
) language sql stable as $$
-- Of these streams, with places that are known already, or of all; in order.
with scope as materialized (
    select s.platform, s.shop, s.category, r.*
    from (select distinct q.platform, q.shop, q.category from open_cases q
          where streams is null or q.stream = any (streams)) s,
         case_rules_at(at, s.platform, s.shop, s.category, rules_known()) r
)
select case when streams is null then row_number() over (order by j.rank)
            else w.place end,
       q.case_id, q.platform, q.shop, s.zone, q.category, q.order_id, q.filed_at, q.round,
       q.problems, (array['low', 'medium', 'high'])[q.severity + 1],
       (array['normal', 'high', 'urgent'])[q.priority + 1],
       q.assignee, case when q.held_until > at then q.holder end,
       case when q.held_until > at then q.held_until end, q.turn, q.next_action, q.about,
       j.reasons, j.next_due_at, j.next_due_clock, j.next_due_party, j.savable_due_at, j.start_by,
       j.start_by - at, j.overdue_since, q.platform_due_at, j.handling_minutes,
       q.currency, q.owed, q.refunded
from open_cases q
left join unnest(streams, places) as w (stream, place) on w.stream = q.stream
join scope s on s.platform = q.platform and s.shop = q.shop
    and s.category is not distinct from q.category
cross join lateral judge_case(
    at, q.case_id, q.filed_at, q.severity, q.priority, q.safety, q.problems, q.payout,
    q.platform_due_at, q.clock, q.clock_party, q.clock_every, q.due_at,
    s.deadline_hours, s.handling_minutes, s.safety_types) j
where streams is null or q.stream = any (streams)
order by j.rank
$$;

create or replace view live_queue as select * from queue_entries_at(statement_timestamp(), null, null);

create or replace function live_queue_at(at timestamptz) returns setof live_queue language sql stable as $$
    select * from queue_entries_at(at, null, null)
$$;
comment on function live_queue_at(timestamptz) is
    'The live queue as it stands at that moment by the facts stored now.';


create or replace function outdated_rules_at(at timestamptz) returns int[] language sql stable as $$
    select coalesce(array_agg(r.id), '{}')
    from case_rules r, rules_known() as k (known)
    where case when r.replaced then true
               when r.known = k.known and r.holds_from <= at and at < r.holds_until then false
               else (select (r.deadline_hours, r.handling_minutes, r.safety_types)
                         is distinct from (p.deadline_hours, p.handling_minutes, p.safety_types)
                     from procedure_at(r.platform, r.shop, r.category, at) p) end
$$;

create or replace function is_ranked(
    holds_from timestamptz, holds_until timestamptz, judged_by int, at timestamptz, outdated int[]
) returns boolean language sql immutable as $$
    -- coalesce: so that no index but that of the order tempts whoever plans.
    select coalesce(holds_from <= at and at < holds_until and judged_by <> all (outdated), false)
$$;

create or replace function unranked_cases_at(at timestamptz, outdated int[]) returns table (
    stream text, rank text, late_since timestamptz, due timestamptz
) language plpgsql stable rows 100
set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
    -- All others, found by index and judged now. One plan is right for any moment.
    return query
    with unranked as materialized (
        select q.* from ranked_cases q
        where q.holds_until <= unranked_cases_at.at or q.holds_from > unranked_cases_at.at
           or q.judged_by = any (unranked_cases_at.outdated)
    ), scope as materialized (
        select s.platform, s.shop, s.category, r.*
        from (select distinct u.platform, u.shop, u.category from unranked u) s,
             case_rules_at(unranked_cases_at.at, s.platform, s.shop, s.category, rules_known()) r
    )
    select q.stream, j.rank, j.late_since, j.due
    from unranked q
    join scope s on s.platform = q.platform and s.shop = q.shop
        and s.category is not distinct from q.category
    cross join lateral judge_case(
        unranked_cases_at.at, q.case_id, q.filed_at, q.severity, q.priority, q.safety, q.problems,
        q.payout, q.platform_due_at, q.clock, q.clock_party, q.clock_every, q.due_at,
        s.deadline_hours, s.handling_minutes, s.safety_types) j;
end
$$;

create or replace function is_wanted(
    case_id text, order_id text, platform text, shop text, problems text[], turn text,
    next_action text, priority smallint, assignee text, due timestamptz,
    of_platform text, of_shop text, of_problem text, of_turn text, of_action text,
    of_priority text, of_assignee text, due_before timestamptz, words text
) returns boolean language sql immutable as $$
    -- Compared as the indexes are; else all would be compared as ids are, which come with "C".
    select (of_platform is null or platform = of_platform)
       and (of_shop is null or shop = of_shop collate "default")
       and (of_problem is null or of_problem = any (problems))
       and (of_turn is null or turn = of_turn collate "default")
       and (of_action is null or next_action = of_action)
       and (of_priority is null
            or priority = array_position(array['normal', 'high', 'urgent'], of_priority) - 1)
       and (of_assignee is null or of_assignee = '' and assignee is null
            or assignee = of_assignee collate "default")
       and (due_before is null or due < due_before)
       and (words is null or strpos(lower(case_id), lower(words)) > 0
            or strpos(lower(order_id), lower(words)) > 0)
$$;

create or replace function queue_streams_at(
    at timestamptz, most bigint, platform text default null, shop text default null,
    problem text default null, turn text default null, action text default null,
    priority text default null, assignee text default null, due_before timestamptz default null,
    words text default null
) returns table (stream text, rank text)
language plpgsql stable set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare
    asked    timestamptz := at;
    wanted   bigint := most;
    outdated int[] := outdated_rules_at(at);
    f_platform text := platform; f_shop text := shop; f_problem text := problem;
    f_turn text := turn; f_action text := action; f_priority text := priority;
    f_assignee text := assignee; f_before timestamptz := due_before; f_words text := words;
begin
    return query
    (select q.stream, q.rank
     from ranked_cases q
     where is_ranked(q.holds_from, q.holds_until, q.judged_by, asked, outdated)
       and is_wanted(q.case_id, q.order_id, q.platform, q.shop, q.problems, q.turn,
                     q.next_action, q.priority, q.assignee, q.due,
                     f_platform, f_shop, f_problem, f_turn, f_action, f_priority, f_assignee,
                     f_before, f_words)
     order by q.rank limit wanted)
    union all
    (select q.stream, u.rank
     from unranked_cases_at(asked, outdated) u join ranked_cases q on q.stream = u.stream
     where is_wanted(q.case_id, q.order_id, q.platform, q.shop, q.problems, q.turn,
                     q.next_action, q.priority, q.assignee, u.due,
                     f_platform, f_shop, f_problem, f_turn, f_action, f_priority, f_assignee,
                     f_before, f_words)
     order by u.rank limit wanted)
    order by 2 limit wanted;
end
$$;

create or replace function queue_page_at(
    at timestamptz, most bigint default 20, platform text default null, shop text default null,
    problem text default null, turn text default null, action text default null,
    priority text default null, assignee text default null, due_before timestamptz default null,
    words text default null, counted bigint default 1000
) returns setof live_queue language plpgsql stable as $$
declare
    found_streams text[];
    found_places  bigint[];
begin
    if num_nonnulls(platform, shop, problem, turn, action, priority, assignee, due_before, words) = 0
    then
        if most is null then
            return query select * from live_queue_at(at);
            return;
        end if;
        select array_agg(f.stream), array_agg(f.place) into found_streams, found_places
        from (select s.stream, row_number() over (order by s.rank) as place
              from queue_streams_at(at, most) s) f;
    else
        select array_agg(s.stream), array_agg(p.place) into found_streams, found_places
        from queue_streams_at(at, most, platform, shop, problem, turn, action, priority, assignee,
                              due_before, words) s
        left join (select f.stream, row_number() over (order by f.rank) as place
                   from queue_streams_at(at, counted) f) p on p.stream = s.stream;
    end if;
    return query
    select * from queue_entries_at(at, coalesce(found_streams, '{}'), coalesce(found_places, '{}'));
end
$$;
comment on function queue_page_at is
    'The first of the live queue at a moment (most: how many, null: all), without sorting all of it; of all cases or of those that are wanted: an empty assignee is what nobody works on, due_before concerns overdue_since, else next_due_at, words is a part of the case''s or the order''s id. where only some are wanted, place is null beyond the queue''s first `counted`.';

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
