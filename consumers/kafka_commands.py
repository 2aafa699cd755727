"""The topic `commands`: what people and services ask of cases, and the facts that answer them."""

from __future__ import annotations

from typing import Final

from consumers.kafka_record import KafkaTopic
from domain.kernel import COMMANDS

COMMANDS_TOPIC: Final = KafkaTopic(
    "commands", frozenset(name for name in COMMANDS if not name.startswith("order."))
)
"""All but the facts about orders; keyed by case, or by the supplier, product … it is about."""
