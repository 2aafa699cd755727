"""`casetrail kafka intake` and `read-from`, and `casetrail dead-letters`."""

from __future__ import annotations

import getpass
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from infra.cli.app import Json, app
from infra.cli.glossary import refusal_words
from infra.cli.kafka import kafka
from infra.cli.observing import Metrics
from infra.cli.running import run_alone, run_processes
from infra.cli.terminal import Terminal, terminal_of
from infra.failure import Failure
from infra.settings import Settings, read_listen
from infra.wiring import open_kafka, open_store, open_system

if TYPE_CHECKING:
    from infra.kafka.intake_letters import DeadLetters, Letter, Original

letters = typer.Typer(help="Records from Kafka that could not be taken.", no_args_is_help=True)
app.add_typer(letters, name="dead-letters")

Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The dead letter's number.")]


@kafka.command(help="Take what comes from Kafka until Ctrl-C; several may run and share the work.")
def intake(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Take what is there now and end.")] = False,
    metrics: Metrics = None,
    processes: Annotated[
        int,
        typer.Option(
            "--processes",
            metavar="N",
            min=1,
            help="Processes that share the partitions; metrics at one port after the other.",
        ),
    ] = 1,
) -> None:
    from infra.kafka.intake_wiring import open_intake  # late: the domain comes with it

    terminal = terminal_of(context)
    if processes > 1:
        with (
            open_system(terminal.settings, terminal.say),
            open_kafka(terminal.settings, terminal.say),
        ):
            run_processes(_alone(terminal.settings, processes, once=once, metrics=metrics))
        return
    with (
        open_system(terminal.settings, terminal.say) as system,
        open_kafka(terminal.settings, terminal.say) as address,
        open_store(system) as store,
        open_intake(system, store, address, terminal.say) as worker,
    ):
        run_alone(terminal, system, address, worker, once=once, metrics=metrics)
        terminal.write(
            terminal.t(
                "{records} records taken, {letters} of them dead letters.",
                records=worker.records,
                letters=worker.letters,
            )
        )


def _alone(
    settings: Settings, processes: int, *, once: bool, metrics: str | None
) -> Iterator[list[str]]:
    """The command lines of as many processes that do the same as one."""
    listen = settings.metrics if metrics is None else read_listen(metrics)
    for number in range(processes):
        words = ["kafka", "intake", "--home", str(settings.home), "--lang", settings.language]
        if once:
            words.append("--once")
        if listen is not None:
            words += ["--metrics", str(listen.after(number))]
        yield words


@kafka.command("read-from", help="Say from where a topic is read on: after an alarm, or again.")
def read_from(
    context: typer.Context,
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="The topic, without the prefix.")],
    start: Annotated[str, typer.Argument(metavar="earliest|latest|OFFSET", help="Where to go on.")],
    partition: Annotated[
        int | None, typer.Option("--partition", metavar="N", help="Only this partition.")
    ] = None,
) -> None:
    from infra.kafka.intake_wiring import read_on_from

    terminal = terminal_of(context)
    if start not in ("earliest", "latest") and not start.isdecimal():
        raise typer.BadParameter("earliest | latest | 0 …", param_hint="OFFSET")
    with (
        open_system(terminal.settings, terminal.say) as system,
        open_kafka(terminal.settings, terminal.say) as address,
        open_store(system) as store,
    ):
        name = f"{terminal.settings.topic_prefix}.{topic}"
        for number, offset in read_on_from(address, store, name, start, partition):
            terminal.write(f"{name}/{number}: {offset}")


# ------------------------------------------------------------------- dead letters


@letters.command("list", help="List the dead letters that nothing was done with yet.")
def list_(
    context: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help="Those that were settled, too.")
    ] = False,
    code: Annotated[
        str | None, typer.Option("--code", metavar="CODE", help="Only those of this reason.")
    ] = None,
    after: Annotated[
        int, typer.Option("--after", metavar="NUMBER", help="Only later ones than this.")
    ] = 0,
    as_json: Json = False,
) -> None:
    terminal = terminal_of(context)
    with open_system(terminal.settings, terminal.say) as system, open_store(system) as store:
        found = _letters(store).list(settled=everything, code=code, after=after)
    if as_json:
        terminal.write_json([asdict(letter) for letter in found])
        return
    table = Table(title=terminal.t("Dead letters"), title_justify="left")
    for heading in ("number", "record", "state", "reason", "time"):
        table.add_column(terminal.t(heading))
    for letter in found:
        table.add_row(
            str(letter.number),
            f"{letter.topic}/{letter.partition}/{letter.record_offset}",
            terminal.t(letter.state),
            _reason(terminal, letter),
            letter.recorded_at.isoformat(timespec="seconds"),
        )
    terminal.out.print(table)


@letters.command(help="Show a dead letter: where it came from, why, and the record as it came.")
def show(context: typer.Context, number: Number, as_json: Json = False) -> None:
    from consumers.kafka_record import shown_name

    terminal = terminal_of(context)
    with open_system(terminal.settings, terminal.say) as system, open_store(system) as store:
        found = _letters(store)
        letter, original = found.get(number), found.open(number)
    if as_json:
        terminal.write_json(
            {
                **asdict(letter),
                "headers": letter.connect_headers(),
                "original": None if original is None else _as_base64(original),
            }
        )
        return
    for name, value in asdict(letter).items():
        if value not in (None, ""):
            terminal.write(f"{terminal.t(name)}: {value}")
    terminal.write(f"{terminal.t('reason')}: {_reason(terminal, letter)}")
    if original is None:
        terminal.write(terminal.t("The record itself is gone."))
        return
    terminal.write(f"{terminal.t('key')}: {_shown(original.key)}")
    for name, content in original.headers:
        terminal.write(f"{shown_name(name)}: {_shown(content)}")
    terminal.write(_shown(original.value))


@letters.command(help="Ask again what dead letters ask; without numbers, all that wait.")
def retry(
    context: typer.Context,
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="NUMBER...", help="The dead letters' numbers.")
    ] = None,
) -> None:
    from consumers.kafka_topics import KAFKA_TOPICS
    from domain.request import Malformed

    terminal = terminal_of(context)
    failed = 0
    with open_system(terminal.settings, terminal.say) as system, open_store(system) as store:
        found = _letters(store)
        chosen = [found.get(number) for number in numbers or ()] or found.list()
        stuck: set[str | None] = set()
        for letter in sorted(chosen, key=lambda one: one.number):
            if letter.stream is not None and letter.stream in stuck:
                continue  # in order: what waits before it still does
            try:
                answer = found.retry(letter.number, store.pipeline, KAFKA_TOPICS, getpass.getuser())
            except Malformed as e:
                code, message = e.code, e.message
            else:
                code, message = answer.code, answer.message
            if letter.stream is not None and found.get(letter.number).settled_at is None:
                stuck.add(letter.stream)
            failed += bool(code)
            words = refusal_words(terminal.settings.language, code, message) if code else ""
            terminal.write(f"{letter.number}: {words or terminal.t('accepted')}")
    if failed:
        raise typer.Exit(1)


@letters.command(help="Give up a dead letter: what was in it is destroyed, the rest is kept.")
def discard(
    context: typer.Context,
    numbers: Annotated[
        list[int], typer.Argument(metavar="NUMBER...", help="The dead letters' numbers.")
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")],
) -> None:
    terminal = terminal_of(context)
    if not reason.strip():
        raise Failure("A reason is needed.")
    with open_system(terminal.settings, terminal.say) as system, open_store(system) as store:
        found = _letters(store)
        for number in numbers:
            found.discard(number, getpass.getuser(), reason)
            terminal.write(f"{number}: {terminal.t('discarded')}")


def _letters(store: Any) -> DeadLetters:
    from infra.kafka.intake_letters import DeadLetters

    return DeadLetters(store.log.datastore, store.vault)


def _reason(terminal: Terminal, letter: Letter) -> str:
    words = refusal_words(terminal.settings.language, letter.code, letter.message)
    return f"{letter.code}: {words}"


def _shown(content: bytes | None) -> str:
    return "–" if content is None else content.decode(errors="replace")


def _as_base64(original: Original) -> dict[str, Any]:
    from consumers.kafka_record import shown_name

    def text(content: bytes | None) -> str | None:
        return None if content is None else b64encode(content).decode()

    headers = [[shown_name(name), text(content)] for name, content in original.headers]
    return {"key": text(original.key), "value": text(original.value), "headers": headers}
