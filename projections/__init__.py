"""Read models: one module and one `.sql` beside it for each, listed here."""

from projections import queue, shipped_units, shop_rules, sla_clocks, suppliers
from projections.projection import Look, Projection, row_by_stream

PROJECTIONS: tuple[Projection, ...] = (
    shop_rules.PROJECTION,
    queue.PROJECTION,
    sla_clocks.PROJECTION,
    shipped_units.PROJECTION,
    suppliers.PROJECTION,
)
"""A view that reads another's comes after it."""

__all__ = ["PROJECTIONS", "Look", "Projection", "row_by_stream"]
