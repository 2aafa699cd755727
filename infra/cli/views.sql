-- What the tables in the terminal show. at null: now.

-- name: select_now
-- The database's clock: views are compared with it, not with this machine's.
select statement_timestamp();

-- name: find_views
-- Made by the first engine that runs.
select to_regclass('live_queue') is not null and to_regclass('supplier_defects') is not null;

-- name: select_queue
-- The page to show, in order. due_before: of the earliest due time that runs, overdue or
-- to come. assignee '': what nobody works on. text: a part of the case's or the order's id.
-- counted: of how many places and cases in all it is said.
select *
from queue_page_at(%(at)s, %(limit)s, %(platform)s, %(shop)s, %(problem)s, %(turn)s, %(action)s,
                   %(priority)s, %(assignee)s, %(due_before)s, %(text)s, %(counted)s);

-- name: count_queue
-- Up to `counted` and one more: how many pages there are is nothing to wait for.
select count(*)
from queue_streams_at(%(at)s, %(counted)s + 1, %(platform)s, %(shop)s, %(problem)s, %(turn)s,
                      %(action)s, %(priority)s, %(assignee)s, %(due_before)s, %(text)s);

-- name: select_breaches
-- One row a breach.
select b.*
from sla_breaches_at(%(at)s) b
where (%(shop)s::text is null or b.shop = %(shop)s)
  and (%(platform)s::text is null or b.platform = %(platform)s)
  and (%(clock)s::text is null or b.clock = %(clock)s)
order by b.breached_at desc, b.case_id, b.key, b.state
limit %(limit)s::bigint;

-- name: select_breached_clocks
-- For people: what a clock missed in one row a state, by the latest.
select m.case_id, zone_at(m.platform, m.shop, %(at)s) as zone, m.clock, m.party, m.state, m.counts,
       m.breaches, m.breached_at, m.detected_at, m.late, m.total
from (
    select m.case_id, m.platform, m.shop, m.clock, m.key, m.party, m.state, m.counts,
           sum(m.times) as breaches, max(m.last_at) as breached_at,
           max(m.detected_at) as detected_at, max(m.late) as late, count(*) over () as total
    from sla_missed_at(%(at)s) m
    where (%(shop)s::text is null or m.shop = %(shop)s)
      and (%(platform)s::text is null or m.platform = %(platform)s)
      and (%(clock)s::text is null or m.clock = %(clock)s)
    group by m.case_id, m.platform, m.shop, m.clock, m.key, m.party, m.state, m.counts
    order by max(m.last_at) desc, m.case_id, m.key, m.state
    limit %(limit)s::bigint
) m
order by m.breached_at desc, m.case_id, m.key, m.state;

-- name: select_attainment
-- Clocks met, breached and still running, by shop and clock.
select a.*
from sla_attainment_at(%(at)s) a
where (%(shop)s::text is null or a.shop = %(shop)s)
  and (%(platform)s::text is null or a.platform = %(platform)s)
  and (%(clock)s::text is null or a.clock = %(clock)s)
order by a.platform, a.shop, a.clock;

-- name: select_suppliers
-- The worst first; then those with the most units; those without data last.
select d.*, count(*) over () as total
from supplier_defects d
where %(supplier)s::text is null or d.supplier = %(supplier)s
order by d.ppm desc nulls last, d.confirmed desc, d.suspected desc, d.units desc, d.supplier
limit %(limit)s::bigint;

-- name: select_cohorts
-- What each supplier shipped, by ship date, with the defects found in it.
select c.*
from supplier_cohorts c
where %(supplier)s::text is null or c.supplier = %(supplier)s
order by c.ship_date, c.supplier, c.product, c.platform, c.shop
limit %(limit)s::bigint;
