"""Settings come from the environment, in one place."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.settings import SettingsError, read_settings

CHECKOUT = Path(__file__).resolve().parents[3]


def test_without_anything_set_data_lies_in_the_checkout() -> None:
    settings = read_settings({})
    assert settings.home == CHECKOUT / ".casetrail"
    assert settings.master_key_file == CHECKOUT / ".casetrail" / "master.key"
    assert settings.database_url is None
    assert settings.postgres == 18


def test_an_installed_wheel_keeps_its_data_in_the_users_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("infra.settings.__file__", str(tmp_path / "infra" / "settings.py"))
    assert read_settings({"XDG_DATA_HOME": "/data"}).home == Path("/data/casetrail")
    assert read_settings({}).home == Path("~/.local/share/casetrail").expanduser()


def test_the_command_line_wins_and_the_key_moves_with_the_home() -> None:
    settings = read_settings({"CASETRAIL_HOME": "/a"}).at(home=Path("/b"), language="zh")
    assert (settings.home, settings.language) == (Path("/b"), "zh")
    assert settings.master_key_file == Path("/b/master.key")


def test_a_key_file_of_ones_own_stays_where_it_is() -> None:
    settings = read_settings({"CASETRAIL_MASTER_KEY_FILE": "/keys/k"}).at(home=Path("/b"))
    assert settings.master_key_file == Path("/keys/k")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LC_ALL": "en_GB.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LC_ALL": "", "LANG": "zh_TW.UTF-8"}, "zh"),
        ({"LANG": "C"}, "en"),
        ({"CASETRAIL_LANG": "zh", "LANG": "C"}, "zh"),
        ({"CASETRAIL_LANG": "", "LANG": "zh_CN"}, "zh"),
    ],
)
def test_the_language_follows_the_locale_unless_it_is_named(
    environment: dict[str, str], language: str
) -> None:
    assert read_settings(environment).language == language


@pytest.mark.parametrize(
    "environment",
    [
        {"CASETRAIL_LANG": "fr"},
        {"CASETRAIL_POSTGRES": "15"},
        {"CASETRAIL_MIGRATE_URL": "postgresql://x"},
    ],
)
def test_a_setting_that_cannot_be_is_named(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=next(iter(environment))):
        read_settings(environment)
