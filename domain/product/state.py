"""A product as it stands."""

from __future__ import annotations

from domain.kernel import Stamp, State, folded
from domain.product.events import ProductEvent


@folded
class Product(State):
    """known: registered; an order may name one that is not. warranty_days: its own, or None
    where the policy for its category holds."""

    product: str
    version: int = 0
    known: bool = False
    name: str = ""
    category: str | None = None
    supplier: str | None = None
    warranty_days: int | None = None


def evolve(product: Product, event: ProductEvent, stamp: Stamp) -> Product:
    """The product after `event`."""
    return product.with_(
        version=stamp.version,
        known=True,
        name=event.name,
        category=event.category,
        supplier=event.supplier,
        warranty_days=event.warranty_days,
    )
