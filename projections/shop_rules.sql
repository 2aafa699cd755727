-- Rules that views apply when they are read. {table} stands for this version's table.

-- name: create_table
create table {table} (
    stream           text collate "C" not null,
    position         bigint not null,
    scope            text collate "C" not null,
    kind             text not null,
    number           int not null,
    effective_from   timestamptz not null,
    zone             text,
    deadline_hours   int,
    breached_share   int,
    handling_minutes jsonb,
    safety_types     text[],
    primary key (stream, kind, number)
)

-- name: upsert_rows
-- A published version never changes.
insert into {table} as kept
select * from json_populate_recordset(null::{table}, %(rows)s)
on conflict (stream, kind, number) do update set position = excluded.position
where kept.position < excluded.position

-- name: delete_rows
delete from {table} as kept
using json_to_recordset(%(touched)s) as touched (stream text, position bigint)
where kept.stream = touched.stream and kept.position < touched.position

-- name: create_readers
create or replace view shop_rules as
select scope, kind, number, effective_from, zone, deadline_hours, breached_share,
       handling_minutes, safety_types, position
from {table};
comment on view shop_rules is
    'What each published policy document says that views apply; the defaults under the scope "". A narrower scope overrides a wider one field by field.';
comment on column shop_rules.scope is 'platform[:shop[:category]]; empty for the defaults.';
comment on column shop_rules.kind is 'shop or procedure: the document''s kind.';
comment on column shop_rules.number is 'Version of the document: its event''s number in the scope''s stream; 0 for a default.';
comment on column shop_rules.effective_from is 'From when on it holds, in place of the scope''s earlier one of its kind.';
comment on column shop_rules.zone is 'The shop''s time zone, an IANA name; null: not said here.';
comment on column shop_rules.deadline_hours is 'A platform''s own deadline this many hours away comes first in the queue; null: not said here.';
comment on column shop_rules.breached_share is 'Percent of the queue''s claims that go to cases whose clocks are breached; null: not said here.';
comment on column shop_rules.handling_minutes is 'Problem type -> expected handling time in minutes; those not named are not said here.';
comment on column shop_rules.safety_types is 'Problem types that are always a matter of safety; null: not said here.';
comment on column shop_rules.position is 'Position in the log of the scope''s last event; 0 for a default.';

create or replace function rules_at(of_kind text, platform text, shop text, category text, at timestamptz)
returns setof shop_rules language sql stable as $$
    select distinct on (r.scope) r.*
    from shop_rules r
    where r.kind = of_kind and r.effective_from <= at
      and r.scope in ('', platform, platform || ':' || shop,
                      platform || ':' || shop || ':' || category)
    order by r.scope, r.effective_from desc, r.number desc
$$;
comment on function rules_at(text, text, text, text, timestamptz) is
    'The documents of a kind in force for a shop (and category) at a moment, one a scope.';

create or replace function zone_at(platform text, shop text, at timestamptz) returns text
language sql stable as $$
    select zone from rules_at('shop', platform, shop, null, at)
    where zone is not null order by length(scope) desc limit 1
$$;
comment on function zone_at(text, text, timestamptz) is 'A shop''s time zone at a moment.';

create or replace function procedure_at(
    platform text, shop text, category text, at timestamptz,
    out deadline_hours int, out breached_share int, out handling_minutes jsonb,
    out safety_types text[]
) language sql stable as $$
    with r as materialized (
        select * from rules_at('procedure', platform, shop, category, at)
    )
    select (select r.deadline_hours from r where r.deadline_hours is not null
            order by length(r.scope) desc limit 1),
           (select r.breached_share from r where r.breached_share is not null
            order by length(r.scope) desc limit 1),
           (select jsonb_object_agg(h.key, h.value order by length(r.scope))
            from r, jsonb_each(r.handling_minutes) h),
           (select r.safety_types from r where r.safety_types is not null
            order by length(r.scope) desc limit 1)
$$;
comment on function procedure_at(text, text, text, timestamptz) is
    'How a shop works at a moment: its own rules laid over its platform''s and the defaults.';

create or replace function rules_known() returns text language sql stable as $$
    -- Another text whenever a document was published or taken back: its scope's rows get another
    -- position, and there are more or fewer of them.
    select count(*) || ':' || coalesce(sum(position), 0) from shop_rules
$$;

create or replace function rules_span_at(
    platform text, shop text, category text, at timestamptz,
    out holds_from timestamptz, out holds_until timestamptz
) language sql stable as $$
    -- Between the documents' effective times before and after, all of a scope's rules stay.
    select coalesce(max(r.effective_from) filter (where r.effective_from <= at), '-infinity'),
           coalesce(min(r.effective_from) filter (where r.effective_from > at), 'infinity')
    from shop_rules r
    where r.scope in ('', platform, platform || ':' || shop,
                      platform || ':' || shop || ':' || category)
$$;
