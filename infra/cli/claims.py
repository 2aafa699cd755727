"""`casetrail queue claim` and what follows it: who works on which case."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, TypeVar
from uuid import uuid4

import typer
from psycopg.rows import dict_row
from pydantic import ValidationError
from rich.table import Table

from infra.cli.app import Json
from infra.cli.filters import one_of
from infra.cli.glossary import refusal_words
from infra.cli.observing import Metrics
from infra.cli.reading import plain
from infra.cli.running import run_alone
from infra.cli.terminal import Terminal, terminal_of
from infra.cli.views import catch_up, queues
from infra.failure import Failure
from infra.postgres import connect
from infra.wiring import open_store, open_system

SOURCE = "cli"

Case = Annotated[str, typer.Argument(metavar="CASE", help="The case: platform:shop:number.")]
Agent = Annotated[str, typer.Option("--agent", metavar="A", help="The agent who works on it.")]
Token = Annotated[
    int, typer.Option("--token", metavar="N", min=1, help="The token that the claim was given.")
]
M = TypeVar("M")


@queues.command(help="Claim the next best case, or a given one, for an agent.")
def claim(
    context: typer.Context,
    agent: Agent,
    case: Annotated[
        str | None, typer.Option("--case", metavar="CASE", help="This case and no other.")
    ] = None,
    shop: Annotated[
        list[str] | None,
        typer.Option("--shop", metavar="SHOP", help="Only cases of this shop; may be repeated."),
    ] = None,
    skills: Annotated[
        list[str] | None,
        typer.Option(
            "--skills", metavar="A,B", help="Only cases with these problem types and no other."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    from domain.case.commands import ClaimCase
    from domain.case.values import ProblemType
    from infra.claims import Claims, Unclaimed

    terminal = terminal_of(context)
    known = [one_of(one.strip(), ProblemType) for part in skills or () for one in part.split(",")]
    fitting = {
        "shops": tuple(shop or ()),
        "skills": tuple(ProblemType(one) for one in known if one),
    }
    asked = _checked(ClaimCase, case_id=case or "other:x:x", agent=agent, **fitting)
    with open_system(terminal.settings, terminal.say) as system, open_store(system) as store:
        claims = Claims(store.log.datastore, store.pipeline)
        if case is None:
            catch_up(terminal, system)
            found = claims.claim_next(agent, shops=asked.shops, skills=asked.skills)
        else:
            found = claims.claim(asked)
    if isinstance(found, Unclaimed):
        raise _refused(terminal, found.code, found.message)
    if as_json:
        terminal.write_json(plain(asdict(found)))
        return
    terminal.write(
        terminal.t(
            "{agent} has claimed {case} until {until}; token {token}.",
            agent=found.agent,
            case=found.case_id,
            until=_local(found.until),
            token=found.token,
        )
    )


@queues.command(
    help="Record the end of claims that have lapsed, until Ctrl-C; several may run at a time."
)
def sweep(
    context: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="End those that have lapsed by now, and end.")
    ] = False,
    metrics: Metrics = None,
) -> None:
    from infra.claims import Sweeper  # late: the domain comes with it

    terminal = terminal_of(context)
    with open_system(terminal.settings, terminal.say) as system, open_store(system) as store:
        worker = Sweeper(store.log.datastore, store.pipeline)
        run_alone(terminal, system, None, worker, once=once, metrics=metrics)
        count = worker.activity.snapshot().items
        terminal.write(terminal.t("Lapsed claims ended: {count}.", count=count))


@queues.command(help="Go on with a claimed case: its lease runs anew from now.")
def renew(
    context: typer.Context, case: Case, agent: Agent, token: Token, as_json: Json = False
) -> None:
    from domain.case.commands import RenewClaim

    _submit(terminal_of(context), _checked(RenewClaim, case_id=case), agent, token, as_json)


@queues.command(help="Give a claimed case back to the queue.")
def release(
    context: typer.Context, case: Case, agent: Agent, token: Token, as_json: Json = False
) -> None:
    from domain.case.commands import ReleaseClaim

    _submit(terminal_of(context), _checked(ReleaseClaim, case_id=case), agent, token, as_json)


@queues.command("hand-over", help="Hand a claimed case over to another agent.")
def hand_over(
    context: typer.Context,
    case: Case,
    agent: Agent,
    token: Token,
    to: Annotated[str, typer.Option("--to", metavar="B", help="The agent who gets it.")],
    as_json: Json = False,
) -> None:
    from domain.case.commands import HandOverClaim

    command = _checked(HandOverClaim, case_id=case, to=to)
    _submit(terminal_of(context), command, agent, token, as_json)


@queues.command("override", help="As a supervisor, take a case from whoever has claimed it.")
def override(
    context: typer.Context,
    case: Case,
    by: Annotated[str, typer.Option("--by", metavar="S", help="The supervisor.")],
    reason: Annotated[str, typer.Option("--reason", metavar="WORDS", help="Why.")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="B", help="The agent who gets it, else the queue.")
    ] = None,
    as_json: Json = False,
) -> None:
    from domain.case.commands import OverrideClaim

    command = _checked(OverrideClaim, case_id=case, reason=reason, to=to)
    _submit(terminal_of(context), command, by, None, as_json)


@queues.command(help="Show who has claimed what, and until when.")
def leases(
    context: typer.Context,
    agent: Annotated[
        str | None, typer.Option("--agent", metavar="A", help="Only this agent.")
    ] = None,
    shop: Annotated[str | None, typer.Option("--shop", help="Only this shop.")] = None,
    as_json: Json = False,
) -> None:
    from infra.claims import SQL

    terminal = terminal_of(context)
    with (
        open_system(terminal.settings, terminal.say) as system,
        closing(connect(system.database_url, autocommit=True)) as conn,
        conn.cursor(row_factory=dict_row) as cursor,
    ):
        rows = cursor.execute(SQL["select_leases"], {"agent": agent, "shop": shop}).fetchall()
    if as_json:
        terminal.write_json({"leases": [plain(row) for row in rows]})
        return
    if not rows:
        terminal.write(terminal.t("Nobody has claimed a case."))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("Case", "Agent", "Token", "Claimed at", "Until"):
        table.add_column(terminal.t(title), overflow="fold")
    for row in rows:
        claimed, until = _local(row["claimed_at"]), _local(row["until"])
        table.add_row(row["case_id"], row["agent"], str(row["token"]), claimed, until)
    terminal.out.print(table)


# -------------------------------------------------------------------- shared


def _checked(cls: type[M], **fields: object) -> M:
    """The command, or what is wrong with the first field that is."""
    try:
        return cls(**fields)
    except ValidationError as e:
        error = e.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in error["loc"])
        raise Failure("{field} cannot be {value}.", field=field, value=repr(error["input"])) from e


def _submit(
    terminal: Terminal, command: object, actor: str, token: int | None, as_json: bool
) -> None:
    """Ask it as the agent who holds the token, or else as a supervisor."""
    from domain.kernel import Actor, ActorKind, Command, Role
    from domain.request import Request

    assert isinstance(command, Command)
    try:
        role = Role.SUPERVISOR if token is None else Role.AGENT
        by = Actor(kind=ActorKind.PERSON, id=actor, role=role)
    except ValidationError as e:
        raise Failure("{field} cannot be {value}.", field="agent", value=repr(actor)) from e
    request = Request(SOURCE, str(uuid4()), command, by, claim_token=token)
    with open_system(terminal.settings, terminal.say) as system, open_store(system) as store:
        (answer,) = store.pipeline.submit([request])
    if not answer.accepted:
        raise _refused(terminal, answer.code, answer.message)
    if as_json:
        terminal.write_json({"accepted": True, "position": answer.position})
    else:
        terminal.write(terminal.t("Done."))


def _refused(terminal: Terminal, code: str, message: str) -> Failure:
    words = refusal_words(terminal.settings.language, code, message)
    return Failure("Refused ({code}): {reason}", code=code, reason=words)


def _local(time: datetime) -> str:
    return time.astimezone().strftime("%m-%d %H:%M:%S")
