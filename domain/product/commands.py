"""What can be asked about a product."""

from __future__ import annotations

from domain.kernel import Command, Ident, Text, command, product_stream
from domain.product.events import Days


@command("product.register")
class RegisterProduct(Command):
    """Record a product of the catalogue, or what changed about one we know."""

    product: Ident
    name: Text
    category: Ident
    supplier: Ident | None = None
    warranty_days: Days | None = None

    def streams(self) -> tuple[str, ...]:
        return (product_stream(self.product),)


ProductCommand = RegisterProduct
