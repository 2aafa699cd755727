-- Which case an agent gets next, and which claims have run out.

-- name: draw_candidates
-- Of the cases where it is the shop's turn and that nobody holds, the first of the queue, by `nth`;
-- and by `nth_late`, oldest breach first, those that a share of the claims goes to: the shop has
-- missed a due time, or has none to meet. Who holds what is asked of the leases, which are never
-- behind the log. shops: names, as shop or platform:shop; skills: problem types; null: any.
with drawn as materialized (
    select q.case_id, q.platform, q.shop, q.category, q.place, q.overdue_since,
           q.overdue_since is not null or 'no_shop_clock' = any (q.reasons) as is_late
    from live_queue_at(statement_timestamp()) q
    where q.turn = 'shop'
      and (%(shops)s::text[] is null or q.shop = any (%(shops)s)
           or q.platform || ':' || q.shop = any (%(shops)s))
      and (%(skills)s::text[] is null or q.problems <@ %(skills)s)
      and not exists (
          select from leases l
          where l.stream = 'case:' || q.case_id and l.until > statement_timestamp())
), numbered as (
    select d.*, row_number() over (order by d.place) as nth, count(*) over () as total,
           case when d.is_late then row_number() over (
               partition by d.is_late order by d.overdue_since nulls last, d.place) end as nth_late
    from drawn d
), shares as materialized (
    select s.platform, s.shop, s.category, p.breached_share
    from (select distinct platform, shop, category from drawn) s,
         procedure_at(s.platform, s.shop, s.category, statement_timestamp()) p
)
select n.case_id, n.platform, n.shop, s.breached_share as share, n.nth, n.nth_late, n.total
from numbered n
join shares s on s.platform = n.platform and s.shop = n.shop
    and s.category is not distinct from n.category
where n.nth <= %(limit)s or n.nth_late <= %(limit)s
order by n.nth

-- name: find_lease
-- Whether somebody has been quicker: a look costs less than a claim that is refused.
select 1 from leases where stream = %(stream)s and until > statement_timestamp()

-- name: find_queue
-- Made by the first engine that runs.
select to_regclass('live_queue') is not null

-- name: select_held
-- What a claim gave the agent: the last event of its stream by then.
select topic, state from stored_events
where originator_id = %(stream)s and notification_id <= %(position)s
order by originator_version desc limit 1

-- name: select_leases
-- Claims as they run, those that lapse first before; lapsed ones only until the sweeper comes by.
select substr(stream, 6) as case_id, platform, shop, agent, token, claimed_at, until
from leases
where until > statement_timestamp()
  and (%(agent)s::text is null or agent = %(agent)s)
  and (%(shop)s::text is null or shop = %(shop)s)
order by until, stream

-- name: select_lapsed
-- Claims that have run out, a page after (until, stream): one that cannot be ended holds up none.
select stream, token, until from leases
where until <= statement_timestamp() and (until, stream) > (%(until)s, %(stream)s)
order by until, stream limit %(limit)s

-- name: select_next_lapse
-- Seconds until the next claim runs out; null: none will.
select extract(epoch from min(until) - statement_timestamp())::float8 from leases
where until > statement_timestamp()

-- name: select_overdue
-- Claims that have run out and not been ended, and for how many seconds the first has been so.
select count(*), extract(epoch from statement_timestamp() - min(until))::float8 from leases
where until <= statement_timestamp()
