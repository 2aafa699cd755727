"""What a process's metrics and health say, asked as Prometheus asks."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from infra.settings import HostPort


def values_of(at: HostPort) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by its name and labels."""
    with urlopen(f"http://{at}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value_of(at: HostPort, name: str, **labels: str) -> float | None:
    """One sample; None if it is not there."""
    return values_of(at).get((f"casetrail_{name}", frozenset(labels.items())))


def health_of(at: HostPort, path: str) -> tuple[int, dict[str, str]]:
    """Status and reasons of /healthz or /readyz; the reasons of those that are well are left
    out."""
    try:
        with urlopen(f"http://{at}/{path}", timeout=10) as answer:
            status, content = int(answer.status), answer.read()
    except HTTPError as e:
        with e:
            status, content = e.code, e.read()
    parts: dict[str, Any] = json.loads(content)["parts"]
    return status, {name: part["reason"] for name, part in parts.items() if not part["ok"]}
