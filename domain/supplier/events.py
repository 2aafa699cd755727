"""What happened to a supplier, as far as cases need it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from domain.kernel import Event, event

Hours = Annotated[int, Field(strict=True, ge=1, le=24 * 365)]
Ppm = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
"""Parts per million: 20_000 is 2 %."""


@event("supplier.supplier_registered.v1")
class SupplierRegistered(Event):
    """What the contract says; registering again replaces it. None: the contract is silent.

    appraisal_hours: for its verdict, once it holds what was asked for. defect_ppm: the level of
    defects agreed on. ships: it ships to buyers itself.
    """

    appraisal_hours: Hours | None
    defect_ppm: Ppm | None
    ships: bool


SupplierEvent = SupplierRegistered
