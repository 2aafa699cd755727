"""One real PostgreSQL for a test run, and a fresh database for each test that asks."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from infra.postgres import Server, embedded_server
from tests.databases import Database, fresh_database, prepare_template
from tests.support.processes import short_folder

HOME = pytest.StashKey[Path]()
SKIPPED = pytest.StashKey[list[str]]()

# A busy machine is no failure; how long a test may take, faulthandler_timeout says.
# Tests draw the same examples in every run, soak tests others each time.
settings.register_profile("soak", deadline=None, print_blob=True)
settings.register_profile("test", settings.get_profile("soak"), derandomize=True)
settings.load_profile("test")

# A shell starts what it puts in the background with SIGINT ignored, and so would be every program
# that a test starts and then interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgres",
        choices=("16", "18"),
        default=os.environ.get("CASETRAIL_TEST_POSTGRES", "18"),
        help="major version of the embedded server (default: 18)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """The run's folder is made by whoever controls the run and handed to its workers."""
    worker: dict[str, str] | None = getattr(config, "workerinput", None)
    if worker is None:
        config.stash[HOME] = Path(tempfile.mkdtemp(prefix="casetrail-test-"))
    else:
        config.stash[HOME] = Path(worker["home"])
    config.stash[SKIPPED] = []
    config.pluginmanager.register(_Run(config), "casetrail")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and HOME in config.stash:
        shutil.rmtree(config.stash[HOME], ignore_errors=True)


class _Run:
    """Hooks that need the run's configuration."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: object) -> None:
        workerinput: dict[str, str] = getattr(node, "workerinput")  # noqa: B009
        workerinput["home"] = str(self.config.stash[HOME])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self.config.stash[SKIPPED].append(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """In CI nothing may be skipped."""
        in_ci = os.environ.get("CI", "").lower() in ("true", "1")
        if in_ci and self.config.stash[SKIPPED] and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Generator[Server]:
    """The run's server, shared by its workers as commands share theirs; fsync is on."""
    version = int(str(request.config.getoption("--postgres")))
    with embedded_server(request.config.stash[HOME], version) as server:
        prepare_template(server)
        yield server


@pytest.fixture
def home() -> Generator[Path]:
    """An empty home of the test's own, for servers that may be stopped or killed."""
    with short_folder() as folder:
        yield folder


@pytest.fixture
def database(postgres_server: Server) -> Generator[Database]:
    """A migrated database of the test's own."""
    with fresh_database(postgres_server) as made:
        yield made


@pytest.fixture
def empty_database(postgres_server: Server) -> Generator[Database]:
    """A database without any table."""
    with fresh_database(postgres_server, "template1") as made:
        yield made


@pytest.fixture
def database_url(database: Database) -> str:
    """The URL of a migrated database of the test's own, as the application."""
    return database.url
