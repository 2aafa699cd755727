"""The topic `logistics`: what happens to parcels on the way, out and back."""

from __future__ import annotations

from typing import Final

from consumers.kafka_record import KafkaTopic

LOGISTICS_TOPIC: Final = KafkaTopic(
    "logistics",
    frozenset(
        {
            "order.record_delivery",
            "order.record_shipment_outcome",
            "case.record_intercept",
            "case.record_return_shipped",
            "case.record_return_received",
            "case.record_return_lost",
            "case.record_replacement_dispatched",
            "case.record_replacement_delivered",
        }
    ),
)
"""Of the outgoing parcels by order, of returns, replacements and interceptions by case."""
