"""Action keys: each stands for one payout of an order, whatever kind it is."""

from __future__ import annotations

from domain.kernel import require
from domain.order import Order


def require_key_of_refund(order: Order, action_key: str) -> None:
    """Refuse a key under which goodwill or return freight was paid: action_key_reused."""
    require(
        action_key not in order.goodwill and action_key not in order.return_freight,
        "action_key_reused",
        f"{action_key} stands for another payout; a new one needs a new key.",
        "action_key",
    )


def require_new_key(order: Order, action_key: str) -> None:
    """Refuse a key that stands for any payout of the order: action_key_reused."""
    require_key_of_refund(order, action_key)
    require(
        order.refund(action_key) is None,
        "action_key_reused",
        f"{action_key} stands for another payout; a new one needs a new key.",
        "action_key",
    )
