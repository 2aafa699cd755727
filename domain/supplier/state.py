"""A supplier as it stands."""

from __future__ import annotations

from domain.kernel import Stamp, State, folded
from domain.supplier.events import SupplierEvent


@folded
class Supplier(State):
    """name: as orders call it. known: registered; an order may name one that is not.
    appraisal_hours, defect_ppm: None where the contract is silent and policy holds."""

    name: str
    version: int = 0
    known: bool = False
    appraisal_hours: int | None = None
    defect_ppm: int | None = None
    ships: bool = False


def evolve(supplier: Supplier, event: SupplierEvent, stamp: Stamp) -> Supplier:
    """The supplier after `event`."""
    return supplier.with_(
        version=stamp.version,
        known=True,
        appraisal_hours=event.appraisal_hours,
        defect_ppm=event.defect_ppm,
        ships=event.ships,
    )
