-- Registered suppliers, and every supplier's figures. {table} stands for this version's table.

-- name: create_table
create table {table} (
    stream          text collate "C" primary key,
    position        bigint not null,
    supplier        text not null,
    appraisal_hours int,
    contract_ppm    int,
    ships           boolean not null
)

-- name: upsert_rows
insert into {table} as kept
select * from json_populate_recordset(null::{table}, %(rows)s)
on conflict (stream) do update set
    position = excluded.position, appraisal_hours = excluded.appraisal_hours,
    contract_ppm = excluded.contract_ppm, ships = excluded.ships
where kept.position < excluded.position

-- name: delete_rows
delete from {table} as kept
using json_to_recordset(%(touched)s) as touched (stream text, position bigint)
where kept.stream = touched.stream and kept.position < touched.position

-- name: create_readers
create or replace view suppliers as select supplier, appraisal_hours, contract_ppm, ships from {table};
comment on view suppliers is 'Registered suppliers and what their contracts say.';
comment on column suppliers.supplier is 'Name, as orders give it.';
comment on column suppliers.appraisal_hours is 'Hours for a verdict once it holds what was asked for; null: by policy.';
comment on column suppliers.contract_ppm is 'Defects per million units that the contract allows; null: not said.';
comment on column suppliers.ships is 'It ships to buyers itself.';

create or replace view supplier_defects as
with by_product as (
    select supplier, product, sum(units) as units, sum(confirmed) as confirmed,
           sum(contested) as contested, sum(suspected) as suspected, sum(rejected) as rejected,
           sum(rescinded) as rescinded,
           count(distinct buyer) filter (where confirmed > 0) as test_defects,
           min(ship_date) as first_shipped, max(ship_date) as last_shipped
    from shipped_units
    group by supplier, product
), shipped as (
    select supplier, sum(units)::bigint as units, sum(confirmed)::bigint as confirmed,
           sum(contested)::bigint as contested, sum(suspected)::bigint as suspected,
           sum(rejected)::bigint as rejected, sum(rescinded)::bigint as rescinded,
           sum(test_defects)::bigint as test_defects, min(first_shipped) as first_shipped,
           max(last_shipped) as last_shipped
    from by_product
    group by supplier
)
select coalesce(s.supplier, r.supplier) as supplier, r.supplier is not null as registered,
       coalesce(s.units, 0) as units, coalesce(s.confirmed, 0) as confirmed,
       coalesce(s.contested, 0) as contested, coalesce(s.suspected, 0) as suspected,
       coalesce(s.rejected, 0) as rejected, coalesce(s.rescinded, 0) as rescinded,
       coalesce(s.test_defects, 0) as test_defects,
       round(s.confirmed * 1000000.0 / nullif(s.units, 0), 1) as ppm,
       r.contract_ppm, s.first_shipped, s.last_shipped
from shipped s
full join suppliers r on r.supplier = s.supplier;
comment on view supplier_defects is
    'Defects over units shipped by supplier, over all ship dates. A supplier without shipped units has no rate.';
comment on column supplier_defects.supplier is 'Null: units whose supplier nobody knows.';
comment on column supplier_defects.registered is 'It is registered, not only named in orders.';
comment on column supplier_defects.units is 'n: units shipped and not cancelled, intercepted or lost.';
comment on column supplier_defects.confirmed is 'D: units finally found to be the supplier''s fault.';
comment on column supplier_defects.contested is 'Units found so by decision, against the supplier''s denial or silence; not in D.';
comment on column supplier_defects.suspected is 'Units complained about, nothing final yet.';
comment on column supplier_defects.rejected is 'Units found not to be the supplier''s, or whose complaint had no ground.';
comment on column supplier_defects.rescinded is 'Units whose finding was taken back.';
comment on column supplier_defects.test_defects is 'D for the test: each buyer once a product.';
comment on column supplier_defects.ppm is 'Confirmed units per million shipped; null: no data.';
comment on column supplier_defects.contract_ppm is 'Defects per million units that the contract allows; null: not said.';
comment on column supplier_defects.first_shipped is 'Earliest ship date of these units.';
comment on column supplier_defects.last_shipped is 'Latest ship date of these units.';
