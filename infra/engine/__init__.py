"""The projection engine: read models that follow the log, each with its position."""

from infra.engine.describe import describe_views
from infra.engine.engine import Behind, Engine
from infra.engine.quarantine import Parked, find_projection, read_parked, retry, skip
from infra.engine.rebuild import BuildFailed, Progress, Rebuilt, Unfinished, drop_old, rebuild
from infra.engine.replay import Replayed, replayed
from infra.engine.seen import Seen, what_readers_see
from infra.engine.status import Status, read_status
from infra.engine.verify import Checked, Difference, verify
from infra.engine.wait import wait_for

__all__ = [
    "Behind",
    "BuildFailed",
    "Checked",
    "Difference",
    "Engine",
    "Parked",
    "Progress",
    "Rebuilt",
    "Replayed",
    "Seen",
    "Status",
    "Unfinished",
    "describe_views",
    "drop_old",
    "find_projection",
    "read_parked",
    "read_status",
    "rebuild",
    "replayed",
    "retry",
    "skip",
    "verify",
    "wait_for",
    "what_readers_see",
]
