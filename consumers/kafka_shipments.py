"""The topic `shipments`: orders and their lines shipped, delivered, corrected, cancelled."""

from __future__ import annotations

from typing import Final

from consumers.kafka_record import KafkaTopic

SHIPMENTS_TOPIC: Final = KafkaTopic(
    "shipments",
    frozenset(
        {
            "order.record_order",
            "order.record_shipment",
            "order.record_delivery",
            "order.record_shipment_outcome",
            "order.correct_shipment",
        }
    ),
)
