"""`casetrail submit` and `import`: files of commands and facts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Protocol

import typer

from consumers import MAPPINGS, FileMapping, Import, Messages, Piece, Unusable
from infra.cli.app import Json, app
from infra.cli.feed import Refused, feed, show
from infra.cli.terminal import Terminal, terminal_of
from infra.failure import Failure
from infra.wiring import open_store, open_system

RefusedPath = Annotated[
    Path | None,
    typer.Option(
        "--refused",
        metavar="PATH",
        help="Where refused lines go, with their reasons (else FILE.refused.jsonl).",
    ),
]
Retry = Annotated[
    bool,
    typer.Option("--retry-refused", help="Send what an earlier run was refused as new."),
]


@app.command(help="Submit a file of commands and facts, one JSON object a line.")
def submit(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file in JSON Lines, UTF-8.")],
    refused: RefusedPath = None,
    retry_refused: Retry = False,
    as_json: Json = False,
) -> None:
    try:
        source = Messages(file)
    except Unusable as e:
        raise Failure(e.text, **e.values) from e
    _send(terminal_of(context), source, file, refused, retry_refused, as_json)


@app.command(
    "import", help="Import a CSV or XLSX file as a back office exports it, through a mapping."
)
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV or XLSX file.")],
    mapping: Annotated[
        str,
        typer.Option(
            "--mapping",
            metavar="|".join(mapping.name for mapping in MAPPINGS),
            help="How its rows are to be read.",
        ),
    ],
    zone: Annotated[
        str | None,
        typer.Option(
            "--zone", metavar="ZONE", help="The time zone of its times (else Asia/Shanghai)."
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            "--encoding",
            metavar="ENCODING",
            help="The encoding of a CSV file (else UTF-8 or GB18030, whichever fits).",
        ),
    ] = None,
    shop: Annotated[
        str,
        typer.Option("--shop", metavar="SHOP", help="The shop of rows that name none."),
    ] = "",
    refused: RefusedPath = None,
    retry_refused: Retry = False,
    as_json: Json = False,
) -> None:
    terminal = terminal_of(context)
    known = _mapping(mapping)
    try:
        source = Import(file, known, zone=zone, encoding=encoding, shop=shop)
    except Unusable as e:
        raise Failure(e.text, **e.values) from e
    terminal.say("Times are read as local times of {zone}.", zone=source.setting.zone.key)
    _send(terminal, source, file, refused, retry_refused, as_json)


class _Source(Protocol):
    @property
    def total(self) -> int | None: ...

    def pieces(self) -> Iterator[Piece]: ...


def _send(
    terminal: Terminal,
    source: _Source,
    file: Path,
    refused_path: Path | None,
    retry: bool,
    as_json: bool,
) -> None:
    path = refused_path or file.with_name(file.name + ".refused.jsonl")
    if path.exists() and path.samefile(file):
        raise Failure("{path} is the file itself; name another for what is refused.", path=path)
    with (
        open_system(terminal.settings, terminal.say) as system,
        open_store(system) as store,
        Refused(path, terminal, keep=refused_path is not None) as refused,
    ):
        counts = feed(source.pieces(), source.total, store.pipeline, refused, terminal, retry=retry)
    show(counts, refused, terminal, as_json)
    if counts.refused:
        raise typer.Exit(1)


def _mapping(name: str) -> FileMapping:
    for mapping in MAPPINGS:
        if mapping.name == name:
            return mapping
    raise Failure(
        "There is no mapping {name}; there are: {known}.",
        name=name,
        known=", ".join(mapping.name for mapping in MAPPINGS),
    )
