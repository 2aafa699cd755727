"""What whoever asked is told."""

from __future__ import annotations

from domain.kernel import record


@record
class Answer:
    """The answer to one request.

    position: of the last event it wrote, None when it wrote none. code, message, field: which
    rule refused it, "" when accepted. repeat: the request was answered before, and this is the
    first answer again.
    """

    source: str
    message_id: str
    accepted: bool
    position: int | None
    code: str
    message: str
    field: str
    repeat: bool
    correlation_id: str | None


class Unavailable(Exception):
    """The database cannot be reached, does not answer, or takes nothing from anybody now. Nothing
    was refused; asking again is safe, whether or not the last attempt was committed."""
