"""`python -m tests.bench [--smoke] [NAME…]`: all benchmarks in one run on one server."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from contextlib import closing
from importlib import import_module
from pathlib import Path

from infra.postgres import Server, connect, embedded_server
from tests.databases import prepare_template

SETTINGS = (
    *("server_version", "fsync", "full_page_writes", "synchronous_commit", "wal_sync_method"),
    *("shared_buffers", "max_wal_size"),
)


def fsync_milliseconds(folder: Path, times: int) -> float:
    """The median time of writing 8 KiB and making it durable where the database lies."""
    taken: list[float] = []
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(times):
            file.write(bytes(8192))
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - started)
    return 1000 * statistics.median(taken)


def describe(server: Server, folder: Path, smoke: bool) -> None:
    """What the figures were measured on."""
    took = fsync_milliseconds(folder, 20 if smoke else 500)
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, fdatasync {took:.2f} ms")
    with closing(connect(server.url("postgres"))) as conn:
        for setting in SETTINGS:
            row = conn.execute("select current_setting(%s)", (setting,)).fetchone()
            print(f"  {setting} = {row[0] if row else ''}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--smoke", action="store_true", help="small sizes: only see that they run")
    parser.add_argument("names", nargs="*", help="benchmarks to run, without bench_")
    options = parser.parse_args()
    found = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    chosen = [name for name in found if not options.names or name[6:] in options.names]
    if not chosen:
        sys.exit(f"make bench: choose from {', '.join(name[6:] for name in found)}")
    with (
        tempfile.TemporaryDirectory(prefix="casetrail-bench-") as home,
        embedded_server(Path(home)) as server,
    ):
        prepare_template(server)
        describe(server, Path(home), options.smoke)
        for name in chosen:
            module = import_module(f"tests.bench.{name}")
            print(f"\n{name[6:]}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
            module.run(server, options.smoke)


if __name__ == "__main__":
    main()
