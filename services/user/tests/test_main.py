"""The program's commands."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest

from servicekit.keys import ES256
from servicekit.testing import process
from servicekit.testing.credentials import (
    KEYS,
    KEYS_BY_ALGORITHM,
    PRIVATE_PEM,
    PUBLIC_KEYS,
    SECRET,
    SHARED,
    bearer,
)
from servicekit.testing.plugin import MakeDatabase
from servicekit.tokens import verify
from user_service.__main__ import main

Register = Callable[..., dict[str, Any]]
LogIn = Callable[..., dict[str, Any]]

DOCUMENT = Path(__file__).parent.parent / "openapi.json"


def test_the_checked_in_document_is_the_services(capsys: pytest.CaptureFixture[str]) -> None:
    main(["openapi"])

    assert capsys.readouterr().out == DOCUMENT.read_text(), (
        "run: python -m user_service openapi > services/user/openapi.json"
    )


def test_migrate_brings_an_empty_database_up_to_date_and_repeats(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_database("migrate")
    monkeypatch.setenv("DATABASE_URL", url)

    main(["migrate"])
    main(["migrate"])

    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM users")
        assert cursor.fetchone() == (0,)
    connection.close()


def test_a_migration_starts_without_the_framework(make_database: MakeDatabase) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "user_service", "migrate"]
    settings = {**os.environ, "DATABASE_URL": make_database("light")}
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "alembic" in imported
    assert imported.isdisjoint({"fastapi", "starlette", "uvicorn"})


def test_promote_makes_a_superuser_once_or_again(
    register: Register, log_in: LogIn, empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    register()
    monkeypatch.setenv("DATABASE_URL", empty_database)

    main(["promote", "JohnDoe"])
    main(["promote", "johndoe"])

    assert verify(KEYS, log_in()["access_token"]).is_superuser


def test_promote_names_a_user_that_is_not_there(
    empty_database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database)

    with pytest.raises(SystemExit) as ended:
        main(["promote", "nobody"])

    assert ended.value.code == 5
    assert "There is no user 'nobody'." in capsys.readouterr().err


def test_users_prints_every_account_or_those_with_a_text_in_a_name(
    register: Register,
    empty_database: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    account = register()
    monkeypatch.setenv("DATABASE_URL", empty_database)

    main(["users"])
    main(["users", "nobody"])
    main(["users", "JOHN"])

    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert printed == [account, account]


def test_deactivate_ends_the_sessions_and_activate_lets_log_in_again(
    register: Register,
    log_in: LogIn,
    empty_database: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    register()
    log_in()
    monkeypatch.setenv("DATABASE_URL", empty_database)

    main(["deactivate", "JohnDoe"])
    assert json.loads(capsys.readouterr().out)["is_active"] is False
    with psycopg2.connect(empty_database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sessions")
        assert cursor.fetchone() == (0,)
    connection.close()

    main(["activate", "JohnDoe"])
    assert json.loads(capsys.readouterr().out)["is_active"] is True
    assert log_in()["access_token"]


def test_an_unknown_command_is_refused_with_the_usage() -> None:
    with pytest.raises(SystemExit, match="usage: python -m user_service"):
        main(["dance"])


@pytest.mark.parametrize("key", [None, "too short"])
def test_without_a_proper_secret_key_the_service_does_not_start(key: str | None) -> None:
    given = {"DATABASE_URL": "postgresql://nowhere"} | ({"SECRET_KEY": key} if key else {})

    ended = subprocess.run(
        [sys.executable, "-m", "user_service"],
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert ended.returncode == 78
    assert ended.stderr.startswith("user-service: SECRET_KEY is ")
    assert "too short" not in ended.stderr


def test_the_process_serves_until_it_is_told_to_stop(empty_database: str) -> None:
    with process.started("user_service", DATABASE_URL=empty_database, SECRET_KEY=SECRET) as started:
        assert httpx.get(f"{started.address}/health", timeout=60).status_code == 200


def test_the_process_signs_with_the_configured_kind_and_takes_no_other(
    register: Register, empty_database: str
) -> None:
    register()
    keys = {"JWT_PRIVATE_KEY": PRIVATE_PEM, "JWT_PUBLIC_KEYS": PUBLIC_KEYS}
    with process.started("user_service", DATABASE_URL=empty_database, **keys) as started:
        me = f"{started.address}/api/v1/auth/me"
        body = {"username": "johndoe", "password": "securepass123"}
        tokens = httpx.post(f"{started.address}/api/v1/auth/login", json=body, timeout=60).json()
        caller = verify(KEYS_BY_ALGORITHM[ES256][1], tokens["access_token"])
        own = httpx.get(
            me, headers={"Authorization": f"Bearer {tokens['access_token']}"}, timeout=60
        )
        shared = bearer(caller.user_id, session_id=caller.session_id, key=SHARED)
        assert own.status_code == 200
        assert httpx.get(me, headers=shared, timeout=60).status_code == 401
