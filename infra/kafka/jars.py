"""Kafka's own program: jars at pinned coordinates, each checked against its SHA-256."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infra.failure import Say, say_nothing
from infra.kafka.failure import KafkaError

LOCK = Path(__file__).with_name("jars.lock")
DOWNLOADS = 4  # at the same time
SECONDS = 30  # without a byte


@dataclass(frozen=True)
class Jar:
    """One file: where it is to be found, and what is in it."""

    group: str
    name: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        return f"{self.name}-{self.version}.jar"

    def is_whole(self, path: Path) -> bool:
        """Whether the file has exactly the locked content."""
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except FileNotFoundError:
            return False


@dataclass(frozen=True)
class Jars:
    """All the jars of a lock file: a line each, `SHA256  group:name:version`."""

    jars: tuple[Jar, ...]

    @classmethod
    def read(cls, lock: Path = LOCK) -> Jars:
        """The jars of the file. Raises ValueError for a line that is none."""
        jars: list[Jar] = []
        for line in lock.read_text(encoding="utf-8").splitlines():
            sha256, where = line.split()
            group, name, version = where.split(":")
            jars.append(Jar(group, name, version, sha256))
        return cls(tuple(jars))

    @property
    def version(self) -> str:
        """Kafka's."""
        [found] = [jar.version for jar in self.jars if jar.name == "kafka-clients"]
        return found

    @cached_property
    def folder_name(self) -> str:
        """Another list is another folder, so that two checkouts don't disturb each other."""
        digest = hashlib.sha256("".join(jar.sha256 for jar in self.jars).encode())
        return f"kafka-{self.version}-{digest.hexdigest()[:12]}"

    def fetch(self, cache: Path, say: Say = say_nothing) -> Path:
        """A folder with exactly these jars, below the cache; downloads what is not there yet.

        Every file is read and compared at each call (0.1 s), so a damaged one is replaced. Two
        at once wait for each other; a download that was killed leaves nothing. Raises
        KafkaError when a file cannot be had, or is not what it should be.
        """
        folder = cache / self.folder_name
        if self._is_whole(folder):
            return folder
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / f"{self.folder_name}.lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("Waiting for another download of Apache Kafka {version}", version=self.version)
                fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._is_whole(folder):
                self._fill(folder, say)
        return folder

    def _is_whole(self, folder: Path) -> bool:
        return all(jar.is_whole(folder / jar.file) for jar in self.jars)

    def _fill(self, folder: Path, say: Say) -> None:
        folder.mkdir(exist_ok=True)
        missing = [jar for jar in self.jars if not jar.is_whole(folder / jar.file)]
        say(
            "Downloading Apache Kafka {version}: {count} files, once",
            version=self.version,
            count=len(missing),
        )
        # What a killed download left. Nobody else is at work: we hold the lock.
        for left in folder.parent.glob(f"{self.folder_name}.tmp-*"):
            shutil.rmtree(left)
        with (
            tempfile.TemporaryDirectory(prefix=f"{self.folder_name}.tmp-", dir=folder.parent) as at,
            ThreadPoolExecutor(DOWNLOADS) as pool,
            _quiet("jgo"),
        ):
            for jar, path in zip(missing, pool.map(_Source(Path(at)).get, missing), strict=True):
                os.replace(path, folder / jar.file)


class _Source:
    """Whence jars come: the user's local Maven repository if it has them, then the repositories
    that jgo is configured for (`[repositories]` of its file; a mirror can be called central),
    then Maven's central one."""

    def __init__(self, folder: Path) -> None:
        from jgo.config import GlobalSettings
        from jgo.constants import MAVEN_CENTRAL_URL
        from jgo.maven import MavenContext

        settings = GlobalSettings.load()
        remote = dict(settings.repositories)
        remote.setdefault("central", MAVEN_CENTRAL_URL)
        self.folder = folder
        self.maven = MavenContext(
            # A download is written in place, so it goes to a folder that is thrown away.
            repo_cache=folder,
            local_repos=[settings.repo_cache],
            remote_repos=remote,
            timeout=SECONDS,
        )

    def get(self, jar: Jar) -> Path:
        """A checked copy of our own."""
        import requests

        artifact = self.maven.project(jar.group, jar.name).at_version(jar.version).artifact()
        try:
            path = artifact.resolve()
            if not jar.is_whole(path) and not path.is_relative_to(self.folder):
                # The local repository's is another, or half: a fresh one.
                path = self.maven.resolver.download(artifact) or path
        # jgo raises RuntimeError when no repository has the file.
        except (requests.RequestException, RuntimeError) as e:
            raise KafkaError(
                "{file} could not be downloaded: {reason} The embedded broker needs it once; "
                "without a network, set CASETRAIL_KAFKA_BOOTSTRAP to an existing cluster.",
                file=jar.file,
                reason=f"{type(e).__name__}." if isinstance(e, requests.RequestException) else e,
            ) from e
        if not jar.is_whole(path):
            raise KafkaError("{file} is not the file that was locked (SHA-256).", file=jar.file)
        if path.is_relative_to(self.folder):
            return path
        return Path(shutil.copy(path, self.folder / jar.file))


@contextlib.contextmanager
def _quiet(logger: str) -> Generator[None]:
    """What jgo would log, a KafkaError says better."""
    found = logging.getLogger(logger)
    level = found.level
    found.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        found.setLevel(level)


def lock_lines(coordinates: Sequence[str]) -> Iterator[str]:
    """The lines of a lock file for these coordinates (group:name:version) and all that they
    need, as their repositories resolve and deliver them now."""
    import jgo

    with tempfile.TemporaryDirectory() as folder:
        maven = _Source(Path(folder)).maven
        for found in jgo.resolve("+".join(coordinates)):
            project = maven.project(found.groupId, found.artifactId)
            path = project.at_version(found.version).artifact().resolve()
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            yield f"{digest}  {found.groupId}:{found.artifactId}:{found.version}"
