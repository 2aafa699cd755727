"""What the environment says; nothing else reads it."""

from __future__ import annotations

import locale
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from infra.failure import Failure

Language = Literal["en", "zh"]
PostgresVersion = Literal[16, 18]
BrokerCount = Literal[1, 3]

LANGUAGES: dict[str | None, Language] = {"en": "en", "zh": "zh"}
VERSIONS: dict[str | None, PostgresVersion] = {None: 18, "16": 16, "18": 18}
BROKERS: dict[str | None, BrokerCount] = {None: 1, "1": 1, "3": 3}
SECURITY = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
PREFIX = "casetrail"
LOOPBACK = "127.0.0.1"
KAFKA_NAMES = (
    *("SECURITY_PROTOCOL", "CA_FILE", "CERT_FILE", "KEY_FILE", "KEY_PASSWORD"),
    *("SASL_MECHANISM", "USERNAME", "PASSWORD", "PASSWORD_FILE"),
)


class SettingsError(Failure):
    """A setting has a value that cannot be used; the message names the setting."""


@dataclass(frozen=True)
class HostPort:
    """Where something listens. port: 0 for any that is free."""

    host: str
    port: int

    def after(self, number: int) -> HostPort:
        """The address so many ports further; any free port stays any."""
        return replace(self, port=self.port + number) if self.port else self

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class KafkaAddress:
    """Where a Kafka cluster is and how one gets in; the words are Kafka's own.

    bootstrap: host:port of some brokers (CASETRAIL_KAFKA_BOOTSTRAP, split at commas).
    security: one of SECURITY (CASETRAIL_KAFKA_SECURITY_PROTOCOL; default: SASL_SSL with a user
        name, SSL with a file of certificates, else PLAINTEXT).
    ca_file: the authorities to trust (CASETRAIL_KAFKA_CA_FILE); None means the system's.
    cert_file, key_file, key_password: our own certificate, where the brokers want one
        (CASETRAIL_KAFKA_CERT_FILE, …_KEY_FILE, …_KEY_PASSWORD).
    mechanism: one of MECHANISMS (CASETRAIL_KAFKA_SASL_MECHANISM; default SCRAM-SHA-512).
    username, password: for SASL (CASETRAIL_KAFKA_USERNAME; CASETRAIL_KAFKA_PASSWORD or the
        first line of CASETRAIL_KAFKA_PASSWORD_FILE).
    """

    bootstrap: tuple[str, ...]
    security: str = "PLAINTEXT"
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    key_password: str | None = field(default=None, repr=False)
    mechanism: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)


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
    kafka: another Kafka than the embedded one; None means the embedded one.
    brokers: how many the embedded Kafka has (CASETRAIL_KAFKA_BROKERS).
    topic_prefix: what our topics' names begin with (CASETRAIL_KAFKA_TOPIC_PREFIX).
    cache: what can be downloaded again (the user's cache folder, else home/cache).
    metrics: where metrics and health are served (CASETRAIL_METRICS, --metrics); None: nowhere.
    """

    home: Path
    database_url: str | None
    migrate_url: str | None
    language: Language
    master_key_file: Path
    postgres: PostgresVersion
    kafka: KafkaAddress | None
    brokers: BrokerCount
    topic_prefix: str
    cache: Path
    metrics: HostPort | None = None

    def at(self, home: Path | None = None, language: Language | None = None) -> Settings:
        """These settings with what the command line says."""
        changed = self
        if home is not None:
            home = home.expanduser().absolute()
            moved = self.master_key_file == self.home / "master.key"
            key = home / "master.key" if moved else self.master_key_file
            cache = home / "cache" if self.cache == self.home / "cache" else self.cache
            changed = replace(changed, home=home, master_key_file=key, cache=cache)
        return changed if language is None else replace(changed, language=language)


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment; an empty variable counts as absent.

    Raises SettingsError for a value that does not exist, or that lacks another one.
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
        kafka=_kafka(get),
        brokers=_brokers(get("KAFKA_BROKERS")),
        topic_prefix=_topic_prefix(get("KAFKA_TOPIC_PREFIX")),
        cache=_cache(given, home),
        metrics=read_listen(metrics) if (metrics := get("METRICS")) else None,
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


def _brokers(wanted: str | None) -> BrokerCount:
    if wanted not in BROKERS:
        raise SettingsError("CASETRAIL_KAFKA_BROKERS is {value}; it can be 1 or 3.", value=wanted)
    return BROKERS[wanted]


def _topic_prefix(wanted: str | None) -> str:
    prefix = wanted or PREFIX
    # A third of what Kafka takes, so that the names behind it fit.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", prefix):
        raise SettingsError(
            "CASETRAIL_KAFKA_TOPIC_PREFIX is {value}; letters, digits, dots, dashes and "
            "underscores can stand there.",
            value=prefix,
        )
    return prefix


def _cache(given: Mapping[str, str], home: Path) -> Path:
    """The user's cache folder, if there can be one."""
    cache = Path(given.get("XDG_CACHE_HOME") or "~/.cache").expanduser().absolute()
    there = next(folder for folder in (cache, *cache.parents) if folder.exists())
    return cache / "casetrail" if os.access(there, os.W_OK | os.X_OK) else home / "cache"


def read_listen(text: str) -> HostPort:
    """HOST:PORT, or PORT alone for this machine only. Raises SettingsError."""
    found = re.fullmatch(r"(?:(?:\[([0-9A-Fa-f:.]+)\]|([^:\s]+)):)?(\d{1,5})", text)
    if found is None or int(found[3]) > 65_535:
        raise SettingsError("{value} is no HOST:PORT to serve metrics at.", value=text)
    return HostPort(found[1] or found[2] or LOOPBACK, int(found[3]))


def _kafka(get: Callable[[str], str | None]) -> KafkaAddress | None:
    bootstrap = tuple(part.strip() for part in (get("KAFKA_BOOTSTRAP") or "").split(","))
    others = [name for name in KAFKA_NAMES if get(f"KAFKA_{name}")]
    if not any(bootstrap):
        if others:
            raise SettingsError(
                "CASETRAIL_KAFKA_{name} is set without CASETRAIL_KAFKA_BOOTSTRAP.", name=others[0]
            )
        return None
    for server in bootstrap:
        if not re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\s]+):\d{1,5}", server):
            raise SettingsError(
                "CASETRAIL_KAFKA_BOOTSTRAP names {server}; host:port is needed.",
                server=server or '""',
            )
    username, ca_file = get("KAFKA_USERNAME"), get("KAFKA_CA_FILE")
    security = get("KAFKA_SECURITY_PROTOCOL") or (
        "SASL_SSL" if username else "SSL" if ca_file or get("KAFKA_CERT_FILE") else "PLAINTEXT"
    )
    _one_of("CASETRAIL_KAFKA_SECURITY_PROTOCOL", security, SECURITY)
    mechanism = password = None
    if security.startswith("SASL"):
        mechanism = get("KAFKA_SASL_MECHANISM") or MECHANISMS[-1]
        _one_of("CASETRAIL_KAFKA_SASL_MECHANISM", mechanism, MECHANISMS)
        password = _password(get)
        if not username or not password:
            raise SettingsError(
                "{protocol} needs CASETRAIL_KAFKA_USERNAME and CASETRAIL_KAFKA_PASSWORD or "
                "CASETRAIL_KAFKA_PASSWORD_FILE.",
                protocol=security,
            )
    return KafkaAddress(
        bootstrap=bootstrap,
        security=security,
        ca_file=_file(ca_file),
        cert_file=_file(get("KAFKA_CERT_FILE")),
        key_file=_file(get("KAFKA_KEY_FILE")),
        key_password=get("KAFKA_KEY_PASSWORD"),
        mechanism=mechanism,
        username=username,
        password=password,
    )


def _password(get: Callable[[str], str | None]) -> str | None:
    file = get("KAFKA_PASSWORD_FILE")
    if file is None or get("KAFKA_PASSWORD"):
        return get("KAFKA_PASSWORD")
    try:
        return Path(file).expanduser().read_text(encoding="utf-8").split("\n")[0]
    except (OSError, UnicodeError) as e:
        raise SettingsError(
            "CASETRAIL_KAFKA_PASSWORD_FILE cannot be read: {reason}", reason=e
        ) from e


def _file(name: str | None) -> Path | None:
    return Path(name).expanduser().absolute() if name else None


def _one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise SettingsError(
            "{name} is {value}; it can be {known}.", name=name, value=value, known=", ".join(known)
        )
