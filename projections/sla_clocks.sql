-- SLA clocks and their breaches. {table} stands for this version's table.

-- name: create_table
create table {table} (
    stream                text collate "C" not null,
    position              bigint not null,
    case_id               text collate "C" not null,
    key                   text collate "C" not null,
    platform              text not null,
    shop                  text not null,
    clock                 text not null,
    party                 text not null,
    about                 text,
    round                 int not null,
    recurs                boolean not null,
    started_at            timestamptz not null,
    restarted_at          timestamptz not null,
    due_at                timestamptz not null,
    target_minutes        int not null,
    status                text not null,
    ended_at              timestamptz,
    met                   int not null,
    breach_from           timestamptz[] not null,
    breach_times          int[] not null,
    breach_detected_at    timestamptz[] not null,
    retracted_at          timestamptz[] not null,
    retracted_detected_at timestamptz[] not null,
    primary key (stream, key)
)

-- name: upsert_rows
insert into {table} as kept
select * from json_populate_recordset(null::{table}, %(rows)s)
on conflict (stream, key) do update set
    position = excluded.position, platform = excluded.platform, shop = excluded.shop,
    clock = excluded.clock, party = excluded.party, about = excluded.about,
    round = excluded.round, recurs = excluded.recurs, started_at = excluded.started_at,
    restarted_at = excluded.restarted_at, due_at = excluded.due_at, target_minutes = excluded.target_minutes,
    status = excluded.status, ended_at = excluded.ended_at, met = excluded.met,
    breach_from = excluded.breach_from, breach_times = excluded.breach_times,
    breach_detected_at = excluded.breach_detected_at, retracted_at = excluded.retracted_at, retracted_detected_at = excluded.retracted_detected_at
where kept.position < excluded.position

-- name: delete_rows
delete from {table} as kept
using json_to_recordset(%(touched)s) as touched (stream text, position bigint)
where kept.stream = touched.stream and kept.position < touched.position

-- name: create_replay
-- What a replay to a past moment fills, in the place of the view of that name.
create temporary table sla_clocks (like {table} including all) on commit drop

-- name: create_readers
-- Bodies of functions are text, so that they read what `sla_clocks` means when they are called:
-- a replay puts a temporary table of its own in that place.
create or replace view sla_clocks as
select stream, position, case_id, key, platform, shop, clock, party, about, round, recurs,
       started_at, restarted_at, due_at, target_minutes, status, ended_at, met,
       breach_from, breach_times, breach_detected_at, retracted_at, retracted_detected_at
from {table};
comment on view sla_clocks is
    'Every clock of every case as stored: breaches noticed so far. For breaches as of now, see sla_breaches.';
comment on column sla_clocks.stream is 'Name of the case''s stream in the log.';
comment on column sla_clocks.position is 'Position in the log of the last event that changed this row.';
comment on column sla_clocks.case_id is 'platform:shop:after-sale number.';
comment on column sla_clocks.key is 'The clock within its case: name[:about]#round.';
comment on column sla_clocks.platform is 'douyin, kuaishou, taobao or other.';
comment on column sla_clocks.shop is 'Shop on the platform.';
comment on column sla_clocks.clock is 'Name of the clock, e.g. first_response.';
comment on column sla_clocks.party is 'Whose clock it is; attainment counts the shop''s only.';
comment on column sla_clocks.about is 'Part of the case that it times (an obligation, a return, …), null for the case.';
comment on column sla_clocks.round is 'Round of the case in which it started, from 1.';
comment on column sla_clocks.recurs is 'It begins anew when met or missed; each missed period is a breach.';
comment on column sla_clocks.started_at is 'When it started.';
comment on column sla_clocks.restarted_at is 'When its present period began: started, resumed, or met by a message.';
comment on column sla_clocks.due_at is 'When it is due, or was; of a recurring clock the present period.';
comment on column sla_clocks.target_minutes is 'Minutes granted when it started.';
comment on column sla_clocks.status is 'running, paused, satisfied or cancelled.';
comment on column sla_clocks.ended_at is 'When it was satisfied or cancelled.';
comment on column sla_clocks.met is 'Periods of a recurring clock that ended in time.';
comment on column sla_clocks.breach_from is 'Due times that passed unmet and were noticed, oldest first: the first of each row of periods missed one after the other. Retracted ones are not among them.';
comment on column sla_clocks.breach_times is 'How many due times each of breach_from stands for, target_minutes apart.';
comment on column sla_clocks.breach_detected_at is 'When each of breach_from was noticed.';
comment on column sla_clocks.retracted_at is 'Due times of breaches that late news took back.';
comment on column sla_clocks.retracted_detected_at is 'When each of retracted_at had been noticed.';

create or replace function sla_missed_at(at timestamptz) returns table (
    stream text, key text, case_id text, platform text, shop text, clock text, party text,
    about text, round int, first_at timestamptz, last_at timestamptz, times int,
    every interval, detected_at timestamptz, ended_at timestamptz, late interval, state text,
    counts boolean
) language sql stable as $$
with span as (
    -- Noticed.
    select c.stream, c.key, b.from_at, b.times, b.detected_at, false as retracted
    from sla_clocks c,
         unnest(c.breach_from, c.breach_times, c.breach_detected_at)
             as b (from_at, times, detected_at)
    union all
    -- Running past due, noticed by nobody yet: a recurring clock has missed all periods since.
    select c.stream, c.key, c.due_at, case when c.recurs then 2147483647 else 1 end, null, false
    from sla_clocks c
    where c.status = 'running' and (c.recurs or c.breach_from = '{}')
    union all
    select c.stream, c.key, b.due_at, 1, b.detected_at, true
    from sla_clocks c, unnest(c.retracted_at, c.retracted_detected_at) as b (due_at, detected_at)
), missed as (
    select s.*, make_interval(mins => c.target_minutes) as every,
           least(s.times, floor(extract(epoch from at - s.from_at) / (60 * c.target_minutes)) + 1)
               ::int as passed,
           -- Of a recurring clock, since when the next period began.
           c.recurs and s.from_at <= c.restarted_at as past
    from span s join sla_clocks c on c.stream = s.stream and c.key = s.key
    where s.from_at <= at
)
select c.stream, c.key, c.case_id, c.platform, c.shop, c.clock, c.party, c.about, c.round,
       m.from_at, m.from_at + m.every * (m.passed - 1), m.passed, m.every,
       case when m.detected_at <= at then m.detected_at end,
       case when not m.past then c.ended_at end,
       case when not m.past and not m.retracted then coalesce(c.ended_at, at) - m.from_at end,
       case when m.retracted then 'retracted'
            when m.past then 'met_late'
            when c.status = 'running' then 'open'
            when c.status = 'satisfied' then 'met_late'
            else c.status end,
       c.party = 'shop' and not m.retracted
from missed m join sla_clocks c on c.stream = m.stream and c.key = m.key
$$;
comment on function sla_missed_at(timestamptz) is
    'Breaches up to that moment by the facts stored now; periods missed one after the other in one row: `times` of them, from first_at to last_at, `every` apart.';

create or replace function sla_breaches_at(at timestamptz) returns table (
    case_id text, platform text, shop text, zone text, clock text, key text, party text,
    about text, round int, breached_at timestamptz, detected_at timestamptz,
    ended_at timestamptz, late interval, state text, counts boolean
) language sql stable as $$
with zones as materialized (
    select s.platform, s.shop, zone_at(s.platform, s.shop, at) as zone
    from (select distinct c.platform, c.shop from sla_clocks c) s
)
select m.case_id, m.platform, m.shop, z.zone, m.clock, m.key, m.party, m.about, m.round,
       b.breached_at, m.detected_at, m.ended_at, m.late - (b.breached_at - m.first_at), m.state,
       m.counts
from sla_missed_at(at) m
join zones z on z.platform = m.platform and z.shop = m.shop,
     generate_series(m.first_at, m.last_at, m.every) as b (breached_at)
$$;
comment on function sla_breaches_at(timestamptz) is
    'Breaches up to that moment by the facts stored now, noticed or not.';

create or replace view sla_breaches as select * from sla_breaches_at(statement_timestamp());
comment on view sla_breaches is
    'Missed due times, one row each, noticed or not, right to the second of asking; retracted ones stay visible.';
comment on column sla_breaches.case_id is 'platform:shop:after-sale number.';
comment on column sla_breaches.platform is 'douyin, kuaishou, taobao or other.';
comment on column sla_breaches.shop is 'Shop on the platform.';
comment on column sla_breaches.zone is 'The shop''s time zone, an IANA name.';
comment on column sla_breaches.clock is 'Name of the clock, e.g. first_response.';
comment on column sla_breaches.key is 'The clock within its case: name[:about]#round.';
comment on column sla_breaches.party is 'Whose clock it is.';
comment on column sla_breaches.about is 'Part of the case that it times, null for the case.';
comment on column sla_breaches.round is 'Round of the case in which the clock started, from 1.';
comment on column sla_breaches.breached_at is 'The due time: a breach happens then, whoever notices it when.';
comment on column sla_breaches.detected_at is 'When it was noticed; null: it only shows in this view so far.';
comment on column sla_breaches.ended_at is 'When the clock was satisfied or cancelled; null while it is live, and for a past period of a recurring one.';
comment on column sla_breaches.late is 'From the due time until the clock ended, or until now; null where ended_at cannot tell.';
comment on column sla_breaches.state is 'open: still unmet; met_late; paused; cancelled: no longer needed after it was missed; retracted: late news showed that it was met in time.';
comment on column sla_breaches.counts is 'It counts against the shop: its own clock, and not retracted.';

create or replace function sla_attainment_at(at timestamptz) returns table (
    platform text, shop text, clock text, met bigint, breached bigint, running bigint,
    cancelled bigint, attainment numeric
) language sql stable as $$
with missed as (
    select m.stream, m.key, sum(m.times) as times
    from sla_missed_at(at) m where m.counts group by m.stream, m.key
), counted as (
    select c.platform, c.shop, c.clock, c.status, c.recurs, c.met,
           coalesce(m.times, 0) as breaches
    from sla_clocks c left join missed m on m.stream = c.stream and m.key = c.key
    where c.party = 'shop'
), summed as (
    select s.platform, s.shop, s.clock,
           sum(s.met + (s.status = 'satisfied' and (s.recurs or s.breaches = 0))::int)::bigint
               as met,
           sum(s.breaches)::bigint as breached,
           count(*) filter (where s.status in ('running', 'paused')
                                  and (s.recurs or s.breaches = 0)) as running,
           count(*) filter (where s.status = 'cancelled' and s.breaches = 0) as cancelled
    from counted s
    group by s.platform, s.shop, s.clock
)
select platform, shop, clock, met, breached, running, cancelled,
       round(met::numeric / nullif(met + breached, 0), 4)
from summed
$$;
comment on function sla_attainment_at(timestamptz) is
    'Attainment of each shop''s own clocks up to that moment by the facts stored now.';

create or replace view sla_attainment as select * from sla_attainment_at(statement_timestamp());
comment on view sla_attainment is
    'How often each shop met each of its own clocks, as of now. Of the recurring clock each period counts.';
comment on column sla_attainment.platform is 'douyin, kuaishou, taobao or other.';
comment on column sla_attainment.shop is 'Shop on the platform.';
comment on column sla_attainment.clock is 'Name of the clock.';
comment on column sla_attainment.met is 'Clocks (periods) that were met in time, retracted breaches included.';
comment on column sla_attainment.breached is 'Clocks (periods) that were not, noticed or not.';
comment on column sla_attainment.running is 'Clocks whose result is open.';
comment on column sla_attainment.cancelled is 'Clocks that were no longer needed before they were due; outside attainment.';
comment on column sla_attainment.attainment is 'met / (met + breached), 0 to 1; null: no data.';
