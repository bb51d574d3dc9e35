"""nomad/jobs/postgres/roles.sh on a real server: who may log in, and with which password."""

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from psycopg2.extensions import connection

from servicekit.testing import postgres as server
from tasktracker_cluster.jobs import passwords, postgres
from tasktracker_cluster.jobs.passwords import Items
from tasktracker_cluster.topology import ROLES, TURNS, TWINS, database

SCRIPT = Path(__file__).parents[3] / postgres.ROLES
TASK_DB = database("task-db")
REFUSED = "password authentication failed"
RULES = """\
local all all trust
host all postgres 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
"""

FIRST = {
    "series": "5e71e5",
    "rotation": "0",
    **{f"{role}_password": f"first-{role}" for role in ROLES if role not in TWINS},
    **{f"{role}_password": "" for role in TWINS},
}
BOTH = {**FIRST, "rotation": "1", **{f"{role}_password": f"second-{role}" for role in TWINS}}
SECOND = passwords.ended(BOTH)


@dataclass(frozen=True)
class Server:
    """A server with the rules of a database's own, at a port of 127.0.0.1."""

    port: int

    def run(self, items: Items) -> subprocess.CompletedProcess[str]:
        """Run the script with these passwords."""
        environment = {
            **os.environ,
            **{"PGBIN": postgres.BIN, "SOCKETS": "127.0.0.1", "PGPORT": str(self.port)},
            "DATABASE": TASK_DB.database,
            **{role.upper(): TASK_DB.role(role) for role in ROLES},
            **{name.upper(): value for name, value in items.items()},
        }
        return subprocess.run(
            ["/bin/sh", SCRIPT], env=environment, capture_output=True, text=True, check=False
        )

    def set(self, items: Items) -> None:
        """Run the script, which has to do it without a word."""
        done = self.run(items)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def connect(self, role: str, password: str = "") -> connection:
        """Connect as a role, or as the superuser."""
        url = f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{TASK_DB.database}"
        session = psycopg2.connect(url)
        session.autocommit = True
        return session

    def log_in(self, kind: str, items: Items) -> connection:
        """Connect as a task does that got what these items say."""
        login = passwords.login(TASK_DB, kind, items)
        return self.connect(login["database_role"], login["database_password"])

    def accepts(self, items: Items) -> list[str]:
        """Return the roles that may log in with the passwords of these items."""
        found = []
        for role in (*TURNS, *TWINS):
            try:
                self.connect(TASK_DB.role(role), items[f"{role}_password"] or "none").close()
            except psycopg2.OperationalError as error:
                if REFUSED not in str(error):
                    raise
            else:
                found.append(role)
        return found


def ask(session: connection, statement: str) -> object:
    """Run a statement, and return the first value of its answer, if there is one."""
    with session.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


@pytest.fixture
def fresh() -> Iterator[Server]:
    with server.running() as url:
        port = urlsplit(url).port
        assert port
        with closing(psycopg2.connect(f"{url}/postgres")) as superuser:
            superuser.autocommit = True
            Path(str(ask(superuser, "SHOW hba_file"))).write_text(RULES)
            ask(superuser, "SELECT pg_reload_conf()")
        yield Server(port)


@pytest.fixture
def started(fresh: Server) -> Server:
    fresh.set(FIRST)
    return fresh


def test_a_role_and_its_twin_log_in_in_turn(started: Server) -> None:
    assert started.accepts(FIRST) == list(TURNS)
    started.set(BOTH)
    assert started.accepts(BOTH) == [*TURNS, *TWINS]
    started.set(SECOND)
    assert started.accepts(BOTH) == list(TWINS), "the old passwords are worthless"
    third = {**SECOND, "rotation": "3", **{f"{role}_password": "third" for role in TURNS}}
    started.set(third)
    started.set(passwords.ended(third))
    assert started.accepts(third) == list(TURNS)
    assert started.accepts(FIRST) == []


def test_what_a_twin_makes_is_the_owners_and_each_application_uses_it(started: Server) -> None:
    with closing(started.log_in("owner", FIRST)) as owner:
        ask(owner, "CREATE TABLE old (id int GENERATED ALWAYS AS IDENTITY, text text)")
    started.set(BOTH)
    with closing(started.log_in("owner", BOTH)) as twin:
        assert ask(twin, "SELECT current_user") == "task_owner"
        ask(twin, "CREATE TABLE new (id serial, text text)")
        ask(twin, "ALTER TABLE old ADD COLUMN more int")
        ask(twin, "CREATE EXTENSION pg_trgm")
        owners = "SELECT count(*) FROM pg_tables WHERE tableowner = 'task_owner'"
        assert ask(twin, owners) == 2
    for items in (FIRST, BOTH):
        with closing(started.log_in("app", items)) as app:
            for table in ("old", "new"):
                ask(app, f"INSERT INTO {table} (text) VALUES ('x')")
                ask(app, f"UPDATE {table} SET text = 'y'")
                assert ask(app, f"SELECT count(*) FROM {table}") == 1
                ask(app, f"DELETE FROM {table}")
            for change in ("CREATE TABLE no (id int)", "DROP TABLE old", "SET ROLE task_owner"):
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    ask(app, change)


def test_sessions_go_on_until_their_role_may_not_log_in(started: Server) -> None:
    with closing(started.log_in("app", FIRST)) as old:
        started.set(BOTH)
        with closing(started.log_in("app", BOTH)) as new:
            assert (ask(old, "SELECT 1"), ask(new, "SELECT 1")) == (1, 1)
            started.set(SECOND)
            assert ask(new, "SELECT 1") == 1
            with pytest.raises(psycopg2.OperationalError):
                ask(old, "SELECT 1")


@pytest.mark.parametrize("known", [FIRST, BOTH])
def test_a_member_with_the_passwords_of_its_start_does_not_bring_them_back(
    started: Server, known: Items
) -> None:
    started.set(BOTH)
    started.set(SECOND)
    started.set(known)
    assert started.accepts(BOTH) == list(TWINS)


def test_restored_data_get_the_passwords_of_now(started: Server) -> None:
    # As those of a backup from before a rotation.
    started.set(SECOND)
    assert started.accepts(BOTH) == list(TWINS)


def test_a_cluster_with_other_secrets_gives_the_data_its_own(started: Server) -> None:
    started.set(BOTH)
    started.set(SECOND)
    rebuilt = {**FIRST, "series": "0e3", **{f"{role}_password": "new" for role in TURNS}}
    started.set(rebuilt)
    assert started.accepts(rebuilt) == list(TURNS)
    assert started.accepts(BOTH) == []


def test_data_of_a_version_without_twins_get_them(fresh: Server) -> None:
    with closing(psycopg2.connect(f"postgresql://postgres@127.0.0.1:{fresh.port}/postgres")) as su:
        su.autocommit = True
        for role in ("owner", "app"):
            ask(su, f"CREATE ROLE task_{role} LOGIN PASSWORD 'first-{role}'")
        ask(su, "COMMENT ON ROLE task_owner IS 'written by somebody'")
        ask(su, "CREATE DATABASE task_db OWNER task_owner")
    with closing(fresh.log_in("owner", FIRST)) as owner:
        ask(owner, "CREATE TABLE tasks (id int)")
        ask(owner, "GRANT SELECT ON tasks TO task_app")
    fresh.set(FIRST)
    fresh.set(BOTH)
    fresh.set(SECOND)
    with closing(fresh.log_in("app", SECOND)) as app:
        assert ask(app, "SELECT count(*) FROM tasks") == 0
    with closing(fresh.log_in("owner", SECOND)) as owner:
        ask(owner, "ALTER TABLE tasks ADD COLUMN text text")


def test_several_at_once_do_not_disturb_each_other(started: Server) -> None:
    with ThreadPoolExecutor(4) as pool:
        for done in pool.map(started.run, [BOTH] * 8):
            assert (done.returncode, done.stderr) == (0, "")
    assert started.accepts(BOTH) == [*TURNS, *TWINS]


def test_a_failure_says_no_password(started: Server) -> None:
    # The statement with all passwords fails, beside that of the twin: the next one is not known.
    done = started.run({name: value for name, value in BOTH.items() if name != "backup_password"})
    assert done.returncode != 0
    assert "syntax error" in done.stderr
    assert "second-" not in done.stdout + done.stderr
