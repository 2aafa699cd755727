"""Suppliers, as far as cases need them: the terms of their contracts."""

from domain.supplier.commands import RegisterSupplier, SupplierCommand
from domain.supplier.decide import decide
from domain.supplier.events import SupplierEvent, SupplierRegistered
from domain.supplier.state import Supplier, evolve

__all__ = [
    "RegisterSupplier",
    "Supplier",
    "SupplierCommand",
    "SupplierEvent",
    "SupplierRegistered",
    "decide",
    "evolve",
]
