-- Units shipped and found bad, by order line and parcel. {table} stands for this version's table.

-- name: create_table
create table {table} (
    stream      text collate "C" not null,
    position    bigint not null,
    order_id    text collate "C" not null,
    line        text collate "C" not null,
    shipment_id text collate "C" not null,
    platform    text not null,
    shop        text not null,
    supplier    text,
    product     text,
    category    text,
    ship_date   date not null,
    replacement boolean not null,
    buyer       text not null,
    units       int not null,
    confirmed   int not null,
    contested   int not null,
    suspected   int not null,
    rejected    int not null,
    rescinded   int not null,
    primary key (stream, line, shipment_id),
    check (confirmed + contested + suspected + rejected + rescinded <= units)
)

-- name: create_indexes
create index {table}_by_supplier on {table} (supplier, ship_date)

-- name: upsert_rows
insert into {table} as kept
select * from json_populate_recordset(null::{table}, %(rows)s)
on conflict (stream, line, shipment_id) do update set
    position = excluded.position, supplier = excluded.supplier, product = excluded.product,
    category = excluded.category, ship_date = excluded.ship_date,
    replacement = excluded.replacement, buyer = excluded.buyer, units = excluded.units,
    confirmed = excluded.confirmed, contested = excluded.contested,
    suspected = excluded.suspected, rejected = excluded.rejected, rescinded = excluded.rescinded
where kept.position < excluded.position

-- name: delete_rows
-- Parcels that turned out cancelled, intercepted or lost, and lines that were not in them.
delete from {table} as kept
using json_to_recordset(%(touched)s) as touched (stream text, position bigint)
where kept.stream = touched.stream and kept.position < touched.position

-- name: create_readers
create or replace view shipped_units as
select stream, position, order_id, line, shipment_id, platform, shop, supplier, product, category,
       ship_date, replacement, buyer, units, confirmed, contested, suspected, rejected, rescinded
from {table};
comment on view shipped_units is
    'Units that were shipped and not cancelled, intercepted or lost, by order line and parcel, and what was found about them. Replacements are parcels too. Each unit is found bad at most once.';
comment on column shipped_units.stream is 'Name of the order''s stream in the log.';
comment on column shipped_units.position is 'Position in the log of the last event that changed this row.';
comment on column shipped_units.order_id is 'platform:shop:order number.';
comment on column shipped_units.line is 'Order line.';
comment on column shipped_units.shipment_id is 'Parcel.';
comment on column shipped_units.platform is 'douyin, kuaishou, taobao or other.';
comment on column shipped_units.shop is 'Shop on the platform.';
comment on column shipped_units.supplier is 'Who supplied the line; null while nobody knows.';
comment on column shipped_units.product is 'Product; null while the order is unknown.';
comment on column shipped_units.category is 'Product category; null while the order is unknown.';
comment on column shipped_units.ship_date is 'Day of shipping in the shop''s zone: the cohort.';
comment on column shipped_units.replacement is 'Sent as an exchange or a reshipment.';
comment on column shipped_units.buyer is 'The buyer''s pseudonym, or the order while it is unknown.';
comment on column shipped_units.units is 'Units of the line in the parcel.';
comment on column shipped_units.confirmed is 'Units with a final finding that the supplier is liable, in a supplier''s problem type.';
comment on column shipped_units.contested is 'Units finally found so by decision, against the supplier''s denial or silence.';
comment on column shipped_units.suspected is 'Units complained about in a supplier''s problem type, nothing final yet.';
comment on column shipped_units.rejected is 'Units finally found not to be the supplier''s, or whose complaint had no ground.';
comment on column shipped_units.rescinded is 'Units whose finding was taken back.';

create or replace view supplier_cohorts as
select supplier, product, platform, shop, ship_date, sum(units)::bigint as units,
       sum(confirmed)::bigint as confirmed, sum(contested)::bigint as contested,
       sum(suspected)::bigint as suspected, sum(rejected)::bigint as rejected,
       sum(rescinded)::bigint as rescinded,
       count(distinct buyer) filter (where confirmed > 0) as test_defects,
       round(sum(confirmed) * 1000000.0 / nullif(sum(units), 0), 1) as ppm
from shipped_units
group by supplier, product, platform, shop, ship_date;
comment on view supplier_cohorts is
    'Defects over units shipped by supplier, product, shop and ship date. test_defects of several rows do not add up: a buyer may be in each.';
comment on column supplier_cohorts.supplier is 'Null: nobody knows whose units these are.';
comment on column supplier_cohorts.product is 'Null while the order is unknown.';
comment on column supplier_cohorts.platform is 'douyin, kuaishou, taobao or other.';
comment on column supplier_cohorts.shop is 'Shop on the platform.';
comment on column supplier_cohorts.ship_date is 'Day of shipping in the shop''s zone: the cohort.';
comment on column supplier_cohorts.units is 'n: units shipped and not cancelled, intercepted or lost.';
comment on column supplier_cohorts.confirmed is 'D: units finally found to be the supplier''s fault.';
comment on column supplier_cohorts.contested is 'Units found so by decision, against the supplier''s denial or silence; not in D.';
comment on column supplier_cohorts.suspected is 'Units complained about, nothing final yet.';
comment on column supplier_cohorts.rejected is 'Units found not to be the supplier''s, or whose complaint had no ground.';
comment on column supplier_cohorts.rescinded is 'Units whose finding was taken back.';
comment on column supplier_cohorts.test_defects is 'D for the test: buyers with a confirmed unit.';
comment on column supplier_cohorts.ppm is 'Confirmed units per million shipped.';

create or replace view product_defects as
select product, sum(units)::bigint as units, sum(confirmed)::bigint as confirmed,
       sum(contested)::bigint as contested, sum(suspected)::bigint as suspected,
       sum(rejected)::bigint as rejected, sum(rescinded)::bigint as rescinded,
       count(distinct buyer) filter (where confirmed > 0) as test_defects,
       round(sum(confirmed) * 1000000.0 / nullif(sum(units), 0), 1) as ppm
from shipped_units
where product is not null
group by product;
comment on view product_defects is 'Defects over units shipped by product, whoever supplied it.';
comment on column product_defects.product is 'Product.';
comment on column product_defects.units is 'n: units shipped and not cancelled, intercepted or lost.';
comment on column product_defects.confirmed is 'D: units finally found to be a supplier''s fault.';
comment on column product_defects.contested is 'Units found so by decision, against the supplier''s denial or silence; not in D.';
comment on column product_defects.suspected is 'Units complained about, nothing final yet.';
comment on column product_defects.rejected is 'Units found not to be a supplier''s, or whose complaint had no ground.';
comment on column product_defects.rescinded is 'Units whose finding was taken back.';
comment on column product_defects.test_defects is 'D for the test: buyers with a confirmed unit.';
comment on column product_defects.ppm is 'Confirmed units per million shipped.';
