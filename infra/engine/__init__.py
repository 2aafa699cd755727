"""The projection engine: read models that follow the log, each with its position."""

from infra.engine.describe import describe_views
from infra.engine.engine import Behind, Engine
from infra.engine.replay import replayed
from infra.engine.status import Status, read_status

__all__ = ["Behind", "Engine", "Status", "describe_views", "read_status", "replayed"]
