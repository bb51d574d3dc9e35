"""Settings that are missing or wrong, and what the program says."""

import pytest

from servicekit.settings import (
    DatabaseSettings,
    ServiceSettings,
    ServiceUrl,
    load,
)
from servicekit.token_settings import TokenSettings

SECRET = "s" * 32
VARIABLES = {"PORT": "8001", "DATABASE_URL": "postgresql://u:hunter2@h/d", "SECRET_KEY": SECRET}


class Settings(DatabaseSettings, TokenSettings, ServiceSettings):
    origins: tuple[str, ...] = ()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("HOST", "LOG_LEVEL", "PREVIOUS_SECRET_KEY", "ORIGINS", "DATABASE_POOL_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


class CallerSettings(ServiceSettings):
    other_service_url: ServiceUrl = None


def refused(capsys: pytest.CaptureFixture[str], settings: type[ServiceSettings] = Settings) -> str:
    with pytest.raises(SystemExit) as ended:
        load(settings, service="note-service")
    assert ended.value.code == 78
    return capsys.readouterr().err


def test_settings_come_from_the_environment() -> None:
    settings = load(Settings, service="note-service")
    assert (settings.host, settings.port, settings.log_level) == ("127.0.0.1", 8001, "INFO")
    assert settings.database_url.get_secret_value() == "postgresql+psycopg2://u:hunter2@h/d"


def test_secrets_stay_out_of_the_repr() -> None:
    text = repr(load(Settings, service="note-service"))
    assert "hunter2" not in text
    assert SECRET not in text


def test_missing_variable_without_a_hint_is_named(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("PORT")
    assert refused(capsys) == "note-service: PORT is missing (see docs/operations/reference.md)\n"


@pytest.mark.parametrize("url", ["mysql://u:hunter2@h/d", "hunter2"])
def test_address_of_another_database_is_refused_without_showing_it(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    environment.setenv("DATABASE_URL", url)
    error = refused(capsys)
    assert "DATABASE_URL is not valid: it must start with postgresql://" in error
    assert "hunter2" not in error


def test_every_bad_variable_has_its_line(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("SECRET_KEY")
    environment.setenv("PORT", "0")
    environment.setenv("LOG_LEVEL", "LOUD")
    lines = refused(capsys).splitlines()
    assert sorted(line.split()[1] for line in lines) == ["LOG_LEVEL", "PORT", "SECRET_KEY"]


def test_address_that_neither_is_given_nor_can_be_found_names_both_ways(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = refused(capsys, CallerSettings)
    assert error.startswith("note-service: OTHER_SERVICE_URL is missing: set it to its address")
    assert "or set CONSUL_URL" in error


@pytest.mark.parametrize("name", ["OTHER_SERVICE_URL", "CONSUL_URL"])
def test_either_way_to_another_service_will_do(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    settings = load(CallerSettings, service="note-service")
    assert (settings.other_service_url is None) == (name == "CONSUL_URL")


def test_variable_that_is_not_json_is_named(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("ORIGINS", "[hunter2")
    error = refused(capsys)
    assert "origins" in error
    assert "hunter2" not in error
