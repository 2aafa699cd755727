"""What the environment says; nothing else reads it."""

from __future__ import annotations

import locale
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from infra.failure import Failure

Language = Literal["en", "zh"]
PostgresVersion = Literal[16, 18]

LANGUAGES: dict[str | None, Language] = {"en": "en", "zh": "zh"}
VERSIONS: dict[str | None, PostgresVersion] = {None: 18, "16": 16, "18": 18}


class SettingsError(Failure):
    """A setting has a value that cannot be used; the message names the setting."""


@dataclass(frozen=True)
class Settings:
    """All that is configurable from outside.

    home: the folder of all local data (CASETRAIL_HOME, --home).
    database_url: another PostgreSQL than the embedded one (CASETRAIL_DATABASE_URL), as the
        application connects; None means the embedded one.
    migrate_url: the same database as the owner of its tables (CASETRAIL_MIGRATE_URL); None
        means database_url.
    language: of what people read (CASETRAIL_LANG, --lang, else by the locale).
    master_key_file: wraps the keys of personal data (CASETRAIL_MASTER_KEY_FILE, else
        home/master.key).
    postgres: the embedded server's major version (CASETRAIL_POSTGRES).
    """

    home: Path
    database_url: str | None
    migrate_url: str | None
    language: Language
    master_key_file: Path
    postgres: PostgresVersion

    def at(self, home: Path | None = None, language: Language | None = None) -> Settings:
        """These settings with what the command line says."""
        changed = self
        if home is not None:
            home = home.expanduser().absolute()
            moved = self.master_key_file == self.home / "master.key"
            key = home / "master.key" if moved else self.master_key_file
            changed = replace(changed, home=home, master_key_file=key)
        return changed if language is None else replace(changed, language=language)


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment; an empty variable counts as absent.

    Raises SettingsError for a language or version that does not exist, or a migrate URL
    without a database URL.
    """
    given = os.environ if environment is None else environment

    def get(name: str) -> str | None:
        return given.get(f"CASETRAIL_{name}") or None

    home = Path(get("HOME") or _default_home(given)).expanduser().absolute()
    database_url, migrate_url = get("DATABASE_URL"), get("MIGRATE_URL")
    if migrate_url and not database_url:
        raise SettingsError("CASETRAIL_MIGRATE_URL is set without CASETRAIL_DATABASE_URL.")
    key = get("MASTER_KEY_FILE")
    return Settings(
        home=home,
        database_url=database_url,
        migrate_url=migrate_url,
        language=_language(get("LANG"), given),
        master_key_file=Path(key).expanduser().absolute() if key else home / "master.key",
        postgres=_postgres(get("POSTGRES")),
    )


def _default_home(given: Mapping[str, str]) -> Path:
    """`.casetrail` of the checkout that the code runs from, wherever it is called; for an
    installed wheel the user's data folder (XDG Base Directory)."""
    checkout = Path(__file__).resolve().parents[1]
    if (checkout / "pyproject.toml").exists():
        return checkout / ".casetrail"
    return Path(given.get("XDG_DATA_HOME") or "~/.local/share") / "casetrail"


def _language(wanted: str | None, given: Mapping[str, str]) -> Language:
    if wanted in LANGUAGES:
        return LANGUAGES[wanted]
    if wanted is not None:
        raise SettingsError("CASETRAIL_LANG is {value}; it can be en or zh.", value=wanted)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if given.get(name):
            return "zh" if given[name].startswith("zh") else "en"
    return "zh" if (locale.getlocale()[0] or "").startswith(("zh", "Chinese")) else "en"


def _postgres(wanted: str | None) -> PostgresVersion:
    if wanted not in VERSIONS:
        raise SettingsError("CASETRAIL_POSTGRES is {value}; it can be 16 or 18.", value=wanted)
    return VERSIONS[wanted]
