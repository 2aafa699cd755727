"""What is decided about suppliers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.kernel import Context, Emit, Role, require, supplier_stream
from domain.supplier.commands import SupplierCommand
from domain.supplier.events import SupplierRegistered

if TYPE_CHECKING:
    from domain.world import World

_MAY_REGISTER = (Role.SUPERVISOR, Role.ADMIN, Role.SERVICE)


def decide(command: SupplierCommand, world: World, context: Context) -> list[Emit]:
    """Nothing if these are the terms that we know. Rejected: role_not_allowed."""
    require(
        context.actor.role in _MAY_REGISTER,
        "role_not_allowed",
        "Only a supervisor, an administrator or a connected system registers suppliers.",
    )
    supplier = world.supplier(command.supplier)
    told = (command.appraisal_hours, command.defect_ppm, command.ships)
    if supplier.known and told == (
        supplier.appraisal_hours,
        supplier.defect_ppm,
        supplier.ships,
    ):
        return []
    event = SupplierRegistered(
        appraisal_hours=command.appraisal_hours,
        defect_ppm=command.defect_ppm,
        ships=command.ships,
    )
    return [Emit(supplier_stream(command.supplier), event)]
