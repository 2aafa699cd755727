"""What happened to a product, as far as cases need it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from domain.kernel import Event, Ident, Text, event

Days = Annotated[int, Field(strict=True, ge=0, le=36_500)]


@event("product.product_registered.v1")
class ProductRegistered(Event):
    """What the catalogue says; registering again replaces it.

    warranty_days: the product's own warranty; None: the policy's for its category.
    """

    name: Text
    category: Ident
    supplier: Ident | None
    warranty_days: Days | None


ProductEvent = ProductRegistered
