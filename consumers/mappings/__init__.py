"""The mappings that `casetrail import` knows: one module each, and one line here."""

from typing import Final

from consumers.mapping import FileMapping
from consumers.mappings import douyin, helpdesk_log, kuaishou, order_lines

MAPPINGS: Final[tuple[FileMapping, ...]] = (
    douyin.MAPPING,
    kuaishou.MAPPING,
    order_lines.MAPPING,
    helpdesk_log.MAPPING,
)
