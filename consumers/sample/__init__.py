"""The project's own sample: invented shops, their orders and after-sales cases, up to now."""

from consumers.sample.after_sales import told_by_platforms
from consumers.sample.generate import SEED, WAVE, generate, write
from consumers.sample.message import Message

__all__ = ["SEED", "WAVE", "Message", "generate", "told_by_platforms", "write"]
