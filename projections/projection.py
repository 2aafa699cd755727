"""What a read model is: which events it wants, and the rows that a stream gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from domain.kernel import Kind, State

S = TypeVar("S", bound=State)

Look = Mapping[str, State]
"""The streams that a subject's rows were said to need, as they stand at the page's end."""


def itself(stream: str, _state: State) -> Iterator[str]:
    """The stream that was touched is the one whose rows change."""
    yield stream


def nothing(_state: Any) -> Iterator[str]:
    """The rows depend on no other stream."""
    yield from ()


@dataclass(frozen=True, eq=False)
class Projection:
    """One read model, all of it in a table `<name>_v<version>`, made by the `.sql` beside it.

    kinds: of the streams whose events it wants.
    rows: a subject's rows, a pure function of its state and of the streams it needs. Dataclasses
        with the table's columns, but `stream` and `position`, which the engine adds.
    subjects: the streams whose rows may change when this one does. A stream with rows is one of
        its own, and has events of its own.
    needs: the other streams that a subject's rows depend on.
    seed: rows that are there from the start, under the stream "".
    places: columns that are filled in behind the rows (infra/engine/ranking.py) and say what they
        say of some moment: no part of what a rebuild has to give again.

    A change of `rows` or of the table wants a higher version: the read model is then built anew.
    """

    name: str
    version: int
    kinds: frozenset[Kind]
    rows: Callable[[Any, Look], Iterable[object]]
    subjects: Callable[[str, State], Iterable[str]] = itself
    needs: Callable[[Any], Iterable[str]] = nothing
    seed: tuple[object, ...] = ()
    places: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        return f"{self.name}_v{self.version}"

    @property
    def sql(self) -> tuple[Path, ...]:
        """The files of its statements: create_table, create_indexes (if it has more than the
        primary key's), upsert_rows, delete_rows, create_readers; in others, named <name>_….sql,
        more of them and more `create_…_readers`."""
        first = Path(__file__).with_name(f"{self.name}.sql")
        return first, *sorted(first.parent.glob(f"{self.name}_*.sql"))


def row_by_stream(
    name: str,
    version: int,
    kind: Kind,
    row: Callable[[S], object | None],
    places: tuple[str, ...] = (),
) -> Projection:
    """A read model with at most one row a stream of one kind. row: a pure function of the folded
    stream; None takes the stream out."""

    def rows(state: S, _look: Look) -> Iterator[object]:
        found = row(state)
        if found is not None:
            yield found

    return Projection(name, version, frozenset({kind}), rows, places=places)
