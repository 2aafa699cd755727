"""What every view and column means, from the comments in the database, as Markdown."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

from infra.engine.fold import SQL
from infra.postgres import Rows

HEAD = """\
# The views

For reading and for reports. Every view is as of the moment of asking; those that have a function \
of the same name with `_at` can be asked about another moment by the facts stored now. Positions \
are those of the log. Times carry their zone. The tables behind the views carry a version in their \
name and change without notice: read the views.

What others build on the views stays, best in a schema of their own: rights that were granted on \
views and functions, and views that select from ours by the names of columns. A later program may \
add columns at the end of a view. One that takes a column away, or changes it, puts nothing in the \
place of what a view of others still needs: it names that view in `casetrail projections status` \
and in the log, and readers see what they saw, which from then on may stand still, until its \
owners have dropped or changed it. \
What is built on the tables goes with them.

This page is written by `casetrail projections describe` from the comments in the database.
"""


def describe_views(conn: Rows) -> str:
    """The page docs/views.md."""
    parts = [HEAD]
    rows = conn.execute(SQL["select_meanings"]).fetchall()
    for (view, about), columns in groupby(rows, itemgetter(0, 1)):
        parts.append(f"## {view}\n{about}\n\n| column | type | meaning |\n| --- | --- | --- |")
        parts += [
            f"| `{name}` | {kind.replace(' with time zone', '')} | {_cell(meaning)} |"
            for _, _, name, kind, meaning in columns
        ]
        parts[-1] += "\n"
    parts.append("## Functions")
    functions = conn.execute(SQL["select_functions"]).fetchall()
    parts += [f"- `{call}`: {about}" for call, about in functions]
    return "\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
