"""Operating: how the workers of a process do, as rows, metrics and health."""

from infra.ops.open import open_ops
from infra.ops.server import OpsError
from infra.ops.workers import WorkerRow, read_workers

__all__ = ["OpsError", "WorkerRow", "open_ops", "read_workers"]
