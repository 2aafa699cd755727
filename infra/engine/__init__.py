"""The projection engine: read models that follow the log, each with its position."""

from infra.engine.describe import describe_views
from infra.engine.engine import Behind, Engine
from infra.engine.quarantine import Parked, find_projection, read_parked, retry, skip
from infra.engine.replay import replayed
from infra.engine.status import Status, read_status

__all__ = [
    "Behind",
    "Engine",
    "Parked",
    "Status",
    "describe_views",
    "find_projection",
    "read_parked",
    "read_status",
    "replayed",
    "retry",
    "skip",
]
