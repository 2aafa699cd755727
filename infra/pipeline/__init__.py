"""Commands in batches: the one way in to the log."""

from infra.pipeline.answer import Answer, Unavailable
from infra.pipeline.batch import Outcome, Unremembered
from infra.pipeline.cache import StateCache
from infra.pipeline.pipeline import Pipeline
from infra.pipeline.writing import Also

__all__ = ["Also", "Answer", "Outcome", "Pipeline", "StateCache", "Unavailable", "Unremembered"]
