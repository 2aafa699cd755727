-- Which case an agent gets next, and which claims have run out.

-- name: draw_candidates
-- Of the cases where it is the shop's turn and that nobody holds, the first of the queue, with `nth`;
-- and with `nth_late`, oldest breach first, those that a share of the claims goes to: the shop has
-- missed a due time, or has none to meet. Each by its index, and what has to be judged first
-- beside it. Who holds what is asked of the leases, which are never behind the log. Parked cases
-- cannot be claimed: nobody can read them. shops: names, as shop or platform:shop, names: without
-- the platform; skills: problem types; null: any.
with parked_cases as materialized (
    select coalesce(array_agg(stream), '{}') as streams from parked where read_model = 'queue'
), free as not materialized (
    select q.stream, q.case_id, q.platform, q.shop, q.category, q.rank, q.late_since,
           q.holds_from, q.holds_until, q.judged_by
    from ranked_cases q
    where q.turn = 'shop'
      and q.stream <> all ((select streams from parked_cases)::text[])
      and (%(shops)s::text[] is null or q.shop = any (%(names)s)
           and coalesce(q.shop = any (%(shops)s) or q.platform || ':' || q.shop = any (%(shops)s),
                        false))
      and (%(skills)s::text[] is null or q.problems <@ %(skills)s)
      and not exists (
          select from leases l where l.stream = q.stream and l.until > statement_timestamp())
), outdated as materialized (
    select outdated_rules_at(statement_timestamp()) as rules
), unranked as materialized (
    select f.stream, f.case_id, f.platform, f.shop, f.category, u.rank, u.late_since
    from outdated o, unranked_cases_at(statement_timestamp(), o.rules) u, free f
    where f.stream = u.stream
), first as materialized (
    select f.*, row_number() over (order by f.rank) as nth
    from (
        (select stream, case_id, platform, shop, category, rank from free f
         where is_ranked(f.holds_from, f.holds_until, f.judged_by, statement_timestamp(),
                         (select rules from outdated))
         order by rank limit %(limit)s)
        union all
        select stream, case_id, platform, shop, category, rank from unranked
        order by rank limit %(limit)s
    ) f
), late as materialized (
    select f.*, row_number() over (order by f.late_since, f.rank) as nth_late
    from (
        (select stream, case_id, platform, shop, category, rank, late_since from free f
         where late_since is not null
           and is_ranked(f.holds_from, f.holds_until, f.judged_by, statement_timestamp(),
                         (select rules from outdated))
         order by late_since, rank limit %(limit)s)
        union all
        select stream, case_id, platform, shop, category, rank, late_since from unranked
        where late_since is not null
        order by late_since, rank limit %(limit)s
    ) f
), drawn as materialized (
    select case_id, platform, shop, category, nth, null::bigint as nth_late from first
    union all
    select case_id, platform, shop, category, null, nth_late from late
), scope as materialized (
    select distinct platform, shop, category from drawn
)
select d.case_id, d.platform, d.shop, r.breached_share as share, d.nth, d.nth_late
from scope s
cross join lateral case_rules_at(
    statement_timestamp(), s.platform, s.shop, s.category, rules_known()) r
join drawn d on d.platform = s.platform and d.shop = s.shop
    and d.category is not distinct from s.category
order by d.nth, d.nth_late

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
