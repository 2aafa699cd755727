"""A million-event import through the program: rate, and memory that stays bounded."""

from __future__ import annotations

import csv
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import psutil

from infra.postgres import Server
from tests.databases import fresh_database
from tests.integration.cli.program import Program

ROWS, SMOKE_ROWS = 200_000, 2_000
"""A row becomes some five events."""

START = datetime(2024, 1, 1)
HEADER = (
    *("order_id", "order_item_id", "ordered_at", "shipped_at", "days_scheduled", "days_real"),
    *("delivery_status", "order_status", "product_id", "product_name", "category"),
    *("department", "unit_price", "quantity", "total", "market", "country", "customer_id"),
)


def write_rows(file: Path, count: int) -> None:
    """Order lines as in the shared data set, one order in fifty with a second line far away."""
    random = Random(1)
    with file.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(HEADER)
        for number in range(count):
            ordered = START + timedelta(minutes=number % 500_000)
            shipped = ordered + timedelta(days=random.randint(1, 6))
            status = random.choices(
                ("Late delivery", "Shipping on time", "Shipping canceled"), (58, 38, 4)
            )[0]
            order = number - 20_000 if number % 50 == 0 and number >= 20_000 else number
            product = random.randint(1, 100)
            price = random.randint(500, 50_000) / 100
            dates = [f"{d.month}/{d.day}/{d.year} {d:%H:%M}" for d in (ordered, shipped)]
            rows.writerow(
                (
                    *(f"O{order}", f"L{number}", *dates, 4, 5, status, "COMPLETE", product),
                    *(f"Product {product}", "Cleats", f"Supplier {product % 12}", price, 1),
                    *(price, "LATAM", "MÃ©xico", number % 10_000),
                )
            )


def run(server: Server, smoke: bool) -> None:
    count = SMOKE_ROWS if smoke else ROWS
    with tempfile.TemporaryDirectory() as folder, fresh_database(server) as database:
        file = Path(folder) / "order_lines.csv"
        write_rows(file, count)
        program = Program(database.url, Path(folder) / "home")
        for name in ("first run", "again, all of it repeats"):
            before = program.count()
            took, sizes = _import(program, file)
            events = program.count() - before
            print(f"  {name}: {count:,} rows, {events:,} events in {took:.1f} s")
            print(f"    {count / took:,.0f} rows/s, {events / took:,.0f} events/s")
            marks = [sizes[int(part * (len(sizes) - 1))] for part in (0.25, 0.5, 0.75, 1)]
            print("    resident at each quarter: " + ", ".join(f"{mark:.0f} MB" for mark in marks))


def _import(program: Program, file: Path) -> tuple[float, list[float]]:
    """Seconds taken, and the process's resident megabytes along the way."""
    sizes: list[float] = []
    started = time.perf_counter()
    with program.start("import", file, "--mapping", "order_lines", "--json") as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                sizes.append(watched.memory_info().rss / 1e6)
            except psutil.Error:
                break
            time.sleep(0.1)
        _, errors = process.communicate()
    assert process.returncode == 0, errors
    return time.perf_counter() - started, [size for size in sizes if size > 0]
