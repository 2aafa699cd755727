"""The read models as tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.text import Text

from infra.cli.filters import COUNTED
from infra.cli.glossary import value_words
from infra.cli.listing import Column, Listing
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

    def queue(self, rows: Sequence[Row], total: int) -> Listing:
        """Open cases in their order. total: counted up to COUNTED and one more."""
        held = any(row["holder"] for row in rows)
        listing = self._listing(
            self.t("Live queue"),
            rows,
            Column("#", right=True),
            Column(self.t("Case")),
            Column(self.t("Problem"), rank=2),
            Column(self.t("Next step")),
            Column(self.t("Due")),
            Column(self.t("Slack"), rank=1, right=True),
            Column(self.t("Why here"), rank=3),
            Column(self.t("To refund"), rank=4, right=True),
            *([Column(self.t("Held by"), rank=2)] if held else []),
        )
        listing.indent = 3
        listing.total, listing.and_more = min(total, COUNTED), total > COUNTED
        for row in rows:
            problems = [self.w(problem, "ProblemType") for problem in row["problems"]]
            more = f" +{len(problems) - 1}" if len(problems) > 1 else ""
            reasons = [reason_words(self.language, reason) for reason in row["reasons"]]
            listing.add(
                f"{COUNTED}+" if row["place"] is None else str(row["place"]),
                row["case_id"],
                (problems[0] if problems else "") + more,
                self._step(row),
                self._local(_due(row), row["zone"]),
                self._slack(row),
                self.t(", ").join(reasons),
                _money(row["owed"], row["currency"]),
                *([self._holder(row)] if held else []),
            )
        return listing

    def breaches(self, rows: Sequence[Row]) -> Listing:
        """Clocks that were missed, the latest first."""
        listing = self._listing(
            self.t("SLA breaches"),
            rows,
            Column(self.t("Case")),
            Column(self.t("Clock")),
            Column(self.t("Party"), rank=3),
            Column(self.t("Times"), rank=2, right=True),
            Column(self.t("Breached at")),
            Column(self.t("Noticed"), rank=4),
            Column(self.t("Late by"), rank=1, right=True),
            Column(self.t("State")),
        )
        for row in rows:
            noticed = row["detected_at"]
            style = "" if row["state"] != "open" or not row["counts"] else "red"
            listing.add(
                row["case_id"],
                self.w(row["clock"], "ClockName"),
                self.w(row["party"], "Party"),
                str(row["breaches"]),
                self._local(row["breached_at"], row["zone"]),
                self._local(noticed, row["zone"]) if noticed else self.t("not yet"),
                self._span(row["late"]) if row["late"] is not None else "",
                Text(state_words(self.language, row["state"]), style=style),
            )
        return listing

    def attainment(self, rows: Sequence[Row]) -> Listing:
        """How often each shop met each of its clocks."""
        listing = self._listing(
            self.t("SLA attainment"),
            rows,
            Column(self.t("Shop")),
            Column(self.t("Clock")),
            Column(self.t("Met"), right=True),
            Column(self.t("Breached"), right=True),
            Column(self.t("Running"), rank=1, right=True),
            Column(self.t("Cancelled"), rank=2, right=True),
            Column(self.t("Attainment"), right=True),
        )
        for row in rows:
            share = row["attainment"]
            listing.add(
                f"{row['platform']}:{row['shop']}",
                self.w(row["clock"], "ClockName"),
                *(str(row[name]) for name in ("met", "breached", "running", "cancelled")),
                self.t("no data") if share is None else f"{share * 100:.1f} %",
            )
        return listing

    def suppliers(self, rows: Sequence[Row]) -> Listing:
        """Defects over units shipped, the worst first."""
        listing = self._listing(
            self.t("Suppliers: defects over units shipped"),
            rows,
            Column(self.t("Supplier")),
            Column(self.t("Units"), right=True),
            Column(self.t("Confirmed"), right=True),
            Column(self.t("Buyers"), rank=1, right=True),
            Column(self.t("Contested"), rank=3, right=True),
            Column(self.t("Suspected"), rank=2, right=True),
            Column(self.t("Rejected"), rank=4, right=True),
            Column(self.t("Rescinded"), rank=5, right=True),
            Column("ppm", right=True),
            Column(self.t("Limit"), right=True),
        )
        names = ("confirmed", "test_defects", "contested", "suspected", "rejected", "rescinded")
        for row in rows:
            ppm, contract = row["ppm"], row["contract_ppm"]
            over = ppm is not None and contract is not None and ppm > contract
            listing.add(
                row["supplier"] or self.t("(unknown)"),
                str(row["units"]),
                *(str(row[name]) for name in names),
                Text(
                    self.t("no data") if ppm is None else f"{ppm:,.0f}",
                    style="red" if over else "",
                ),
                "" if contract is None else f"{contract:,}",
            )
        return listing

    def projections(self, rows: Sequence[Row]) -> Listing:
        """How far each read model is."""
        listing = self._listing(
            self.t("Read models"),
            rows,
            Column(self.t("Name")),
            Column(self.t("Standing"), rank=4),
            Column(self.t("Position"), right=True),
            Column(self.t("Behind"), right=True),
            Column(self.t("Seconds"), right=True),
            Column(self.t("Events"), rank=2, right=True),
            Column(self.t("Events/s"), rank=1, right=True),
            Column(self.t("Parked"), right=True),
            Column(self.t("Last error"), rank=3),
        )
        for row in rows:
            rate = row["rate"]
            listing.add(
                row["name"],
                self.t(row["standing"]),
                str(row["position"]),
                str(row["behind"]),
                f"{row['seconds']:.1f}",
                str(row["projected"]),
                "" if rate is None else f"{rate:,.0f}",
                Text(str(row["parked"]), style="red" if row["parked"] else ""),
                Text(row["error"] or "", style="red"),
            )
        return listing

    def parked(self, rows: Sequence[Row]) -> Listing:
        """Streams that read models don't follow, the oldest event first."""
        listing = self._listing(
            self.t("Parked streams"),
            rows,
            Column(self.t("Stream")),
            Column(self.t("Read model")),
            Column(self.t("From position"), right=True),
            Column(self.t("Tried"), rank=2, right=True),
            Column(self.t("Since"), rank=1),
            Column(self.t("Error"), rank=3),
        )
        for row in rows:
            listing.add(
                row["stream"],
                row["read_model"],
                str(row["position"]),
                str(row["attempts"]),
                f"{row['parked_at']:%m-%d %H:%M:%S}Z",
                Text(row["error"], style="red"),
            )
        return listing

    def together(self, *listings: Listing) -> Group:
        """The tables below each other, a blank line between two."""
        parts: list[RenderableType] = []
        for listing in listings:
            parts += [Text(""), listing] if parts else [listing]
        return Group(*parts)

    # ----------------------------------------------------------------- parts

    def _listing(self, title: str, rows: Sequence[Row], *columns: Column) -> Listing:
        total = rows[0].get("total") if rows else None
        none = "" if rows else f": {self.t('none')}"
        return Listing(title + none, columns, total=total)

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

    def _holder(self, row: Row) -> str:
        """Who has claimed it, and until when."""
        if row["holder"] is None:
            return ""
        until = row["held_until"].astimezone(ZoneInfo(row["zone"]))
        return f"{row['holder']} → {until:%H:%M}"

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


def _due(row: Row) -> datetime | None:
    """The due time that the case's place comes from; else the next of anybody's."""
    due: datetime | None = row["savable_due_at"] or row["overdue_since"] or row["next_due_at"]
    return due


def _money(amount: Decimal, currency: str | None) -> str:
    return f"{amount} {currency or ''}".rstrip() if amount else ""
