"""What is decided about products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.kernel import Context, Emit, Role, product_stream, require
from domain.product.commands import ProductCommand
from domain.product.events import ProductRegistered

if TYPE_CHECKING:
    from domain.world import World

_MAY_REGISTER = (Role.SUPERVISOR, Role.ADMIN, Role.SERVICE)


def decide(command: ProductCommand, world: World, context: Context) -> list[Emit]:
    """Nothing if the catalogue said so before. Rejected: role_not_allowed."""
    require(
        context.actor.role in _MAY_REGISTER,
        "role_not_allowed",
        "Only a supervisor, an administrator or a connected system registers products.",
    )
    product = world.product(command.product)
    told = (command.name, command.category, command.supplier, command.warranty_days)
    if product.known and told == (
        product.name,
        product.category,
        product.supplier,
        product.warranty_days,
    ):
        return []
    event = ProductRegistered(
        name=command.name,
        category=command.category,
        supplier=command.supplier,
        warranty_days=command.warranty_days,
    )
    return [Emit(product_stream(command.product), event)]
