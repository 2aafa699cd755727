"""What can be asked about a supplier."""

from __future__ import annotations

from domain.kernel import Command, Ident, command, supplier_stream
from domain.supplier.events import Hours, Ppm


@command("supplier.register")
class RegisterSupplier(Command):
    """Record a supplier and the terms of its contract, or new terms of one we know."""

    supplier: Ident
    appraisal_hours: Hours | None = None
    defect_ppm: Ppm | None = None
    ships: bool = False

    def streams(self) -> tuple[str, ...]:
        return (supplier_stream(self.supplier),)


SupplierCommand = RegisterSupplier
