"""The program of the stats service: its settings and its OpenAPI document."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from servicekit.keys import ES256, SigningKey
from servicekit.testing import process
from servicekit.testing.credentials import KEYS_BY_ALGORITHM, PUBLIC_KEYS, SECRET, SHARED, bearer
from stats_service.__main__ import main, openapi

DOCUMENT = Path(__file__).parents[1] / "openapi.json"


def test_the_checked_in_document_is_current() -> None:
    # To renew it: python -m stats_service openapi > services/stats/openapi.json
    assert DOCUMENT.read_text() == openapi()


def test_the_document_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["openapi"])

    assert json.loads(capsys.readouterr().out) == json.loads(DOCUMENT.read_text())


def test_an_unknown_command_is_refused_with_the_usage() -> None:
    with pytest.raises(SystemExit, match="usage: python -m stats_service"):
        main(["migrate"])


@pytest.mark.parametrize("missing", ["SECRET_KEY", "TASK_SERVICE_URL"])
def test_a_missing_setting_is_named_and_ends_the_process(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("TASK_SERVICE_URL", "http://127.0.0.1:8002")
    monkeypatch.delenv(missing)

    with pytest.raises(SystemExit) as exit_:
        main([])

    assert exit_.value.code == 78
    assert f"stats-service: {missing} is missing: set it to" in capsys.readouterr().err


def test_an_address_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("TASK_SERVICE_URL", "tasks:8002")

    with pytest.raises(SystemExit):
        main([])

    assert "stats-service: TASK_SERVICE_URL is not valid" in capsys.readouterr().err


def test_the_process_serves_and_stops_when_told(tasks_url: str) -> None:
    variables = {"SECRET_KEY": SECRET, "TASK_SERVICE_URL": tasks_url}
    with process.started("stats_service", **variables) as started:
        answer = httpx.get(f"{started.address}/api/v1/stats", headers=bearer(), timeout=60)
    assert answer.status_code == 200


@pytest.fixture
def private_key(task_app: FastAPI) -> Iterator[SigningKey]:
    """Return the key that signs, where the task service takes tokens of a private key."""
    before = task_app.state.keys
    key, task_app.state.keys = KEYS_BY_ALGORITHM[ES256]
    yield key
    task_app.state.keys = before


def test_the_process_takes_tokens_of_the_configured_kind_alone(
    private_key: SigningKey, tasks_url: str
) -> None:
    variables = {"JWT_PUBLIC_KEYS": PUBLIC_KEYS, "TASK_SERVICE_URL": tasks_url}
    with process.started("stats_service", **variables) as started:
        answers = [
            httpx.get(f"{started.address}/api/v1/stats", headers=bearer(key=key), timeout=60)
            for key in (private_key, SHARED)
        ]
    assert [answer.status_code for answer in answers] == [200, 401]
