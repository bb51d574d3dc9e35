"""The program of the task service: its commands, settings and OpenAPI document."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from servicekit.testing import process
from servicekit.testing.credentials import PRIVATE, PUBLIC_KEYS, SECRET, SHARED, bearer
from servicekit.testing.plugin import MakeDatabase
from task_service.__main__ import main, openapi

DOCUMENT = Path(__file__).parents[1] / "openapi.json"


def test_the_checked_in_document_is_current() -> None:
    # To renew it: python -m task_service openapi > services/task/openapi.json
    assert DOCUMENT.read_text() == openapi()


def test_the_document_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["openapi"])

    assert json.loads(capsys.readouterr().out) == json.loads(DOCUMENT.read_text())


def test_an_unknown_command_is_refused_with_the_usage() -> None:
    with pytest.raises(SystemExit, match="usage: python -m task_service"):
        main(["frobnicate"])


@pytest.mark.parametrize("missing", ["SECRET_KEY", "DATABASE_URL"])
def test_a_missing_setting_is_named_and_ends_the_process(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere")
    monkeypatch.delenv(missing)

    with pytest.raises(SystemExit) as exit_:
        main([])

    assert exit_.value.code == 78
    assert f"task-service: {missing} is missing" in capsys.readouterr().err


def test_a_migration_starts_without_the_framework(make_database: MakeDatabase) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "task_service", "migrate"]
    settings = {**os.environ, "DATABASE_URL": make_database("light")}
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "alembic" in imported
    assert imported.isdisjoint({"fastapi", "starlette", "uvicorn"})


def test_the_process_migrates_serves_and_stops_when_told(make_database: MakeDatabase) -> None:
    url = make_database("process")
    process.run("task_service", "migrate", DATABASE_URL=url)
    with process.started("task_service", DATABASE_URL=url, SECRET_KEY=SECRET) as started:
        assert httpx.get(f"{started.address}/health", timeout=60).status_code == 200


def test_the_process_takes_tokens_of_the_configured_kind_alone(make_database: MakeDatabase) -> None:
    url = make_database("kinds")
    process.run("task_service", "migrate", DATABASE_URL=url)
    with process.started("task_service", DATABASE_URL=url, JWT_PUBLIC_KEYS=PUBLIC_KEYS) as started:
        answers = [
            httpx.get(f"{started.address}/api/v1/tasks/", headers=bearer(key=key), timeout=60)
            for key in (PRIVATE, SHARED)
        ]
    assert [answer.status_code for answer in answers] == [200, 401]
