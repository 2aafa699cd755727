"""What is made of what the workers tell: the watchdog, the verdicts, the page."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from infra.activity import LONGEST, SIZES, Activity, plain
from infra.ops.health import alive, ready
from infra.ops.lags import Lag, Standing, Watchdog
from infra.ops.metrics import METRICS, as_markdown, make_registry
from infra.ops.observer import Check, Observed
from infra.settings import HostPort, SettingsError, read_listen, read_settings

PAGE = Path(__file__).resolve().parents[3] / "docs" / "operations.md"


def lag(position: int, waiting: int, part: str = "p") -> Lag:
    return Lag(part, part, position, waiting, None)


# ------------------------------------------------------------------- the watchdog


def test_what_stands_while_more_and_more_waits_is_found_after_a_while() -> None:
    dog = Watchdog(30.0)
    assert dog.look([lag(5, 1)], 0.0) == []
    assert dog.look([lag(5, 2)], 29.0) == []
    assert dog.look([lag(5, 3)], 30.0) == [Standing("p", 5, 3)]
    assert dog.look([lag(5, 3)], 40.0) == [Standing("p", 5, 3)]


@pytest.mark.parametrize(
    "then",
    [
        pytest.param(lag(6, 9), id="it moved, however little"),
        pytest.param(lag(5, 0), id="nothing waits any more"),
        pytest.param(lag(5, 1), id="no more waits than before: the end of a log may hold nothing"),
        pytest.param(lag(0, 9), id="somebody set it back"),
    ],
)
def test_it_does_not_stand_when(then: Lag) -> None:
    dog = Watchdog(30.0)
    dog.look([lag(5, 1)], 0.0)
    assert dog.look([then], 60.0) == []


def test_one_part_that_stands_does_not_hide_behind_others_that_move() -> None:
    dog = Watchdog(30.0)
    dog.look([lag(5, 1, "a"), lag(5, 1, "b")], 0.0)
    found = dog.look([lag(9, 0, "a"), lag(5, 2, "b")], 31.0)
    assert [one.part for one in found] == ["b"]


def test_what_stood_and_moves_again_is_all_right() -> None:
    dog = Watchdog(30.0)
    dog.look([lag(5, 1)], 0.0)
    assert dog.look([lag(5, 2)], 31.0)
    assert dog.look([lag(6, 1)], 32.0) == []
    assert dog.look([lag(6, 2)], 33.0) == []


# ------------------------------------------------------------------- the verdicts


def test_a_loop_that_does_not_come_round_is_not_alive_even_before_its_first_time() -> None:
    worker = Activity("intake")
    now = time.monotonic()
    assert alive([worker], now, 90.0).ok
    assert not alive([worker], now + 91.0, 90.0).ok
    worker.turn()
    assert alive([worker], time.monotonic(), 90.0).ok
    verdict = alive([worker], time.monotonic() + 91.0, 90.0)
    assert "not come round" in verdict.as_dict()["parts"]["intake"]["reason"]


def well(now: float) -> Observed:
    return Observed(database=Check(True, "", now), kafka=Check(True, "", now))


def test_ready_is_who_can_work_and_does() -> None:
    worker = Activity("intake")
    now = time.monotonic()
    assert ready([worker], well(now), now, 90.0, 5.0).reasons["intake"] == "has not begun"
    worker.turn()
    assert ready([worker], well(now), now, 90.0, 5.0).ok


@pytest.mark.parametrize(
    ("change", "who"),
    [
        ({"database": Check(False, "it is away", 0.0)}, "database"),
        ({"kafka": Check(False, "it is away", 0.0)}, "kafka"),
        ({"database": Check()}, "database"),
        ({"kafka": Check(True, "", -3600.0)}, "kafka"),
        ({"standing": {"intake": [Standing("casetrail.commands/3", 5, 9)]}}, "intake"),
    ],
)
def test_not_ready_names_who_and_why(change: dict[str, object], who: str) -> None:
    worker = Activity("intake")
    worker.turn()
    now = time.monotonic()
    verdict = ready([worker], replace(well(now), **change), now, 90.0, 5.0)  # type: ignore[arg-type]
    assert not verdict.ok
    assert [name for name, why in verdict.reasons.items() if why] == [who]


def test_a_read_model_that_was_stopped_is_not_ready_and_is_counted_beside_what_is_parked() -> None:
    worker = Activity("projections")
    worker.turn()
    now = time.monotonic()
    lags = [
        Lag("queue_v1_g2", "queue", 5, 3, 1.0, stopped="TooManyParked"),
        Lag("suppliers_v1", "suppliers", 8, 0, 0.0, parked=2),
    ]
    observed = replace(well(now), lags={"projections": lags})
    verdict = ready([worker], observed, now, 90.0, 5.0)
    assert verdict.reasons["projections"] == "queue_v1_g2: TooManyParked"
    registry = make_registry([worker], lambda: observed)

    def of(name: str, part: str) -> float | None:
        return registry.get_sample_value(f"casetrail_projections_{name}", {"part": part})

    assert (of("stopped", "queue"), of("stopped", "suppliers")) == (1.0, 0.0)
    assert (of("parked_streams", "queue"), of("parked_streams", "suppliers")) == (0.0, 2.0)


def test_of_many_that_stand_some_are_named_and_all_counted() -> None:
    worker = Activity("intake")
    worker.turn()
    now = time.monotonic()
    found = [Standing(f"casetrail.commands/{n}", 5, 9) for n in range(12)]
    observed = replace(well(now), standing={"intake": found})
    why = ready([worker], observed, now, 90.0, 5.0).reasons["intake"]
    assert why.startswith("casetrail.commands/0 stands at 5 while 9 wait; ")
    assert why.count("stands") + int(why.split("and ")[1].split()[0]) == len(found)


# ------------------------------------------------------------------- what a worker tells


def test_batches_are_counted_in_classes_that_hold_them_all() -> None:
    worker = Activity("intake")
    for size in (0, 1, 500, 501, 10**9):
        worker.did(size, 0.1, records=size)
    found = worker.snapshot().sizes
    assert (sum(found.counts), found.total) == (5, 1002 + 10**9)
    assert found.counts[0] == 2
    assert found.counts[SIZES.index(500)] == 1
    assert found.counts[-1] == 1


def test_an_error_lasts_until_the_worker_goes_on_and_is_remembered_then() -> None:
    worker = Activity("intake")
    worker.failed(ValueError("no\n  such thing"))
    worker.did(1, 0.1)
    assert (worker.snapshot().error, worker.snapshot().failing) == ("no such thing", True)
    worker.goes_on()
    assert (worker.snapshot().error, worker.snapshot().failing) == ("no such thing", False)
    assert worker.snapshot().retries == 1


def test_an_error_is_one_short_line() -> None:
    assert len(plain(ValueError("x" * 5000))) == LONGEST
    assert plain(ValueError("a\n  b")) == "a b"
    assert plain(TimeoutError()) == "TimeoutError"


# ------------------------------------------------------------------- names and pages


def test_the_page_holds_the_table_of_metrics() -> None:
    assert as_markdown() in PAGE.read_text(encoding="utf-8"), "python -m infra.ops"


def test_the_page_names_no_metric_that_there_is_not() -> None:
    named = set(re.findall(r"\bcasetrail_[a-z_]+", PAGE.read_text(encoding="utf-8")))
    assert named == {metric.name for metric in METRICS}


def test_metrics_are_named_as_prometheus_wants() -> None:
    for metric in METRICS:
        assert re.fullmatch(r"casetrail_[a-z_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert not re.search(r"milli|_ms$|_minutes|_hours", metric.name), "base units"
        assert metric.what.endswith(".")
    assert len({metric.name for metric in METRICS}) == len(METRICS)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("9100", "127.0.0.1", 9100),
        ("0", "127.0.0.1", 0),
        ("0.0.0.0:9100", "0.0.0.0", 9100),
        ("ops.example:1", "ops.example", 1),
        ("[::1]:9100", "::1", 9100),
    ],
)
def test_metrics_are_served_on_this_machine_unless_a_host_is_named(
    text: str, host: str, port: int
) -> None:
    assert read_listen(text) == HostPort(host, port)
    assert read_settings({"CASETRAIL_METRICS": text}).metrics == HostPort(host, port)
    assert read_listen(str(read_listen(text))) == read_listen(text)


@pytest.mark.parametrize("text", ["here", "a:b", ":80:", "::1", "127.0.0.1:65536", "-1", "a b:1"])
def test_what_is_no_place_to_listen_is_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        read_listen(text)


def test_nothing_is_served_unless_asked_for() -> None:
    assert read_settings({}).metrics is None
