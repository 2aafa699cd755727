"""Products, as far as cases need them: category, supplier, warranty."""

from domain.product.commands import ProductCommand, RegisterProduct
from domain.product.decide import decide
from domain.product.events import ProductEvent, ProductRegistered
from domain.product.state import Product, evolve

__all__ = [
    "Product",
    "ProductCommand",
    "ProductEvent",
    "ProductRegistered",
    "RegisterProduct",
    "decide",
    "evolve",
]
