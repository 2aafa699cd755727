"""The read models as tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from infra.cli.glossary import value_words
from infra.cli.words import translate
from infra.cli.words_views import reason_words, state_words
from infra.settings import Language

Row = Mapping[str, Any]
SOON = timedelta(hours=2)
"""Less slack than this is shown as pressing."""


@dataclass(frozen=True)
class Pictures:
    """Draws the tables in one language, as of one moment."""

    language: Language
    at: datetime

    def t(self, text: str, **values: object) -> str:
        return translate(self.language, text).format(**values)

    def w(self, code: str, enum: str = "") -> str:
        return value_words(self.language, code, enum)

    # ---------------------------------------------------------------- tables

    def queue(self, rows: Sequence[Row]) -> Table:
        """Open cases in their order."""
        table = self._table(self.t("Live queue"), rows)
        table.add_column("#", justify="right", no_wrap=True)
        self._columns(table, self.t("Case"))
        self._elastic(table, self.t("Problem"))
        self._elastic(table, self.t("Next step"), least=13)
        table.add_column(self.t("Due"), no_wrap=True)
        table.add_column(self.t("Slack"), justify="right", no_wrap=True)
        self._elastic(table, self.t("Why here"))
        table.add_column(self.t("To refund"), justify="right", no_wrap=True)
        for row in rows:
            problems = [self.w(problem, "ProblemType") for problem in row["problems"]]
            more = f" +{len(problems) - 1}" if len(problems) > 1 else ""
            table.add_row(
                str(row["place"]),
                row["case_id"],
                _cut((problems[0] if problems else "") + more),
                _cut(self._step(row)),
                self._local(_due(row), row["zone"]),
                self._slack(row),
                _cut(
                    self.t(", ").join(
                        reason_words(self.language, reason) for reason in row["reasons"]
                    )
                ),
                _money(row["owed"], row["currency"]),
            )
        return table

    def breaches(self, rows: Sequence[Row]) -> Table:
        """Clocks that were missed, the latest first."""
        table = self._table(self.t("SLA breaches"), rows)
        self._columns(table, self.t("Case"))
        self._elastic(table, self.t("Clock"), least=10)
        self._elastic(table, self.t("Party"))
        table.add_column(self.t("Times"), justify="right", no_wrap=True)
        self._columns(table, self.t("Breached at"), self.t("Noticed"))
        table.add_column(self.t("Late by"), justify="right", no_wrap=True)
        self._columns(table, self.t("State"))
        for row in rows:
            noticed = row["detected_at"]
            style = "" if row["state"] != "open" or not row["counts"] else "red"
            table.add_row(
                row["case_id"],
                _cut(self.w(row["clock"], "ClockName")),
                _cut(self.w(row["party"], "Party")),
                str(row["breaches"]),
                self._local(row["breached_at"], row["zone"]),
                self._local(noticed, row["zone"]) if noticed else self.t("not yet"),
                self._span(row["late"]) if row["late"] is not None else "",
                Text(state_words(self.language, row["state"]), style=style),
            )
        return table

    def attainment(self, rows: Sequence[Row]) -> Table:
        """How often each shop met each of its clocks."""
        table = self._table(self.t("SLA attainment"), rows)
        self._columns(table, self.t("Shop"), self.t("Clock"))
        self._numbers(
            table,
            self.t("Met"),
            self.t("Breached"),
            self.t("Running"),
            self.t("Cancelled"),
            self.t("Attainment"),
        )
        for row in rows:
            share = row["attainment"]
            table.add_row(
                f"{row['platform']}:{row['shop']}",
                self.w(row["clock"], "ClockName"),
                *(str(row[name]) for name in ("met", "breached", "running", "cancelled")),
                self.t("no data") if share is None else f"{share * 100:.1f} %",
            )
        return table

    def suppliers(self, rows: Sequence[Row]) -> Table:
        """Defects over units shipped, the worst first."""
        table = self._table(self.t("Suppliers: defects over units shipped"), rows)
        self._columns(table, self.t("Supplier"))
        self._numbers(
            table,
            self.t("Units"),
            self.t("Confirmed"),
            self.t("Buyers"),
            self.t("Contested"),
            self.t("Suspected"),
            self.t("Rejected"),
            self.t("Rescinded"),
            "ppm",
            self.t("Limit"),
        )
        names = ("confirmed", "test_defects", "contested", "suspected", "rejected", "rescinded")
        for row in rows:
            ppm, contract = row["ppm"], row["contract_ppm"]
            over = ppm is not None and contract is not None and ppm > contract
            table.add_row(
                row["supplier"] or self.t("(unknown)"),
                str(row["units"]),
                *(str(row[name]) for name in names),
                Text(
                    self.t("no data") if ppm is None else f"{ppm:,.0f}",
                    style="red" if over else "",
                ),
                "" if contract is None else f"{contract:,}",
            )
        return table

    def projections(self, rows: Sequence[Row]) -> Table:
        """How far each read model is."""
        table = self._table(self.t("Read models"), rows)
        self._columns(table, self.t("Name"))
        self._numbers(
            table,
            self.t("Position"),
            self.t("Behind"),
            self.t("Seconds"),
            self.t("Events"),
            self.t("Events/s"),
        )
        self._columns(table, self.t("Last error"))
        for row in rows:
            rate = row["rate"]
            table.add_row(
                row["name"],
                str(row["position"]),
                str(row["behind"]),
                f"{row['seconds']:.1f}",
                str(row["projected"]),
                "" if rate is None else f"{rate:,.0f}",
                Text(row["error"] or "", style="red"),
            )
        return table

    def together(self, *tables: Table) -> Group:
        """The tables below each other, a blank line between two."""
        parts: list[RenderableType] = []
        for table in tables:
            parts += [Text(""), table] if parts else [table]
        return Group(*parts)

    # ----------------------------------------------------------------- parts

    def _table(self, title: str, rows: Sequence[Row]) -> Table:
        total = rows[0].get("total") if rows else 0
        count = f" ({len(rows)}/{total})" if total and total > len(rows) else ""
        table = Table(
            title=title + count + ("" if rows else f": {self.t('none')}"),
            title_justify="left",
            title_style="bold",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            padding=0,
            show_header=bool(rows),
            show_edge=False,
        )
        return table

    def _columns(self, table: Table, *titles: str) -> None:
        for title in titles:
            table.add_column(title, no_wrap=True, overflow="ellipsis")

    def _elastic(self, table: Table, title: str, *, least: int | None = None) -> None:
        """A column of `_cut` cells, which gives way when the terminal is narrow."""
        table.add_column(title, overflow="ellipsis", min_width=least)

    def _numbers(self, table: Table, *titles: str) -> None:
        for title in titles:
            table.add_column(title, justify="right", no_wrap=True)

    def _step(self, row: Row) -> str:
        if row["next_action"] is None:
            return ""
        return self.t(
            "{action} · {party}",
            party=self.w(row["turn"], "Party"),
            action=self.w(row["next_action"], "Action"),
        )

    def _slack(self, row: Row) -> Text:
        if row["slack"] is not None:
            pressing = row["slack"] < SOON
            return Text(self._span(row["slack"]), style="yellow" if pressing else "")
        if row["overdue_since"] is not None:
            late = self._span(self.at - row["overdue_since"])
            return Text(self.t("{span} late", span=late), style="red")
        return Text("")

    def _local(self, time: datetime | None, zone: str) -> str:
        """In the shop's zone; the year only where it is another than now."""
        if time is None:
            return ""
        local = time.astimezone(ZoneInfo(zone))
        same = local.year == self.at.astimezone(ZoneInfo(zone)).year
        return local.strftime("%m-%d %H:%M" if same else "%Y-%m-%d %H:%M")

    def _span(self, span: timedelta) -> str:
        minutes = int(abs(span).total_seconds() // 60)
        days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
        sign = "-" if span < timedelta(0) else ""
        if days:
            return sign + self.t("{days}d{hours:02}h", days=days, hours=hours)
        return sign + self.t("{hours}h{minutes:02}m", hours=hours, minutes=minutes)


def _cut(words: str) -> Text:
    """One line, cut where the column ends."""
    return Text(words, no_wrap=True, overflow="ellipsis")


def _due(row: Row) -> datetime | None:
    """The due time that the case's place comes from; else the next of anybody's."""
    due: datetime | None = row["savable_due_at"] or row["overdue_since"] or row["next_due_at"]
    return due


def _money(amount: Decimal, currency: str | None) -> str:
    return f"{amount} {currency or ''}".rstrip() if amount else ""
