"""What turns the outside into commands and facts: JSON Lines, and tables through mappings."""

from consumers.files import Piece, Unusable
from consumers.imports import Import
from consumers.mapping import FileMapping, Row, Setting
from consumers.mappings import MAPPINGS
from consumers.messages import SOURCE, Messages

__all__ = [
    "MAPPINGS",
    "SOURCE",
    "FileMapping",
    "Import",
    "Messages",
    "Piece",
    "Row",
    "Setting",
    "Unusable",
]
