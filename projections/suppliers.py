"""The suppliers that are registered, with what their contracts say."""

from __future__ import annotations

from dataclasses import dataclass

from domain.kernel import Kind
from domain.supplier import Supplier
from projections.projection import row_by_stream

VERSION = 1


@dataclass(frozen=True, slots=True)
class SupplierRow:
    """One registered supplier."""

    supplier: str
    appraisal_hours: int | None
    contract_ppm: int | None
    ships: bool


def row(supplier: Supplier) -> SupplierRow | None:
    """The supplier, or None while it is only a name."""
    if not supplier.known:
        return None
    return SupplierRow(supplier.name, supplier.appraisal_hours, supplier.defect_ppm, supplier.ships)


PROJECTION = row_by_stream("suppliers", VERSION, Kind.SUPPLIER, row)
