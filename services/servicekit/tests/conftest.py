"""A small service made of all of servicekit's parts."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from servicekit import app as application
from servicekit import docs, errors, health, middleware, problems
from servicekit.fields import CleanText, Id32
from servicekit.testing import client as testing_client
from servicekit.testing.credentials import KEYS
from servicekit.testing.plugin import reset_logging
from servicekit.tokens import CurrentPrincipal


class Note(BaseModel):
    title: CleanText


class NoteLostError(Exception):
    pass


@pytest.fixture(autouse=True)
def all_logs() -> None:
    """Log all levels, even if an earlier test has set a higher one in this process."""
    reset_logging()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def app() -> FastAPI:
    app = application.create("Notes", "1.2.3")
    app.state.keys = KEYS
    middleware.install(app)
    errors.install(app, {NoteLostError: problems.ProblemType(410, "note-lost", "Note lost")})
    docs.install(app)
    app.include_router(health.router("note-service", "1.2.3", [health.Check("a", lambda: None)]))

    @app.get("/notes/")
    def listing(principal: CurrentPrincipal) -> int:
        return principal.user_id

    @app.post("/notes/")
    def create(note: Note, _: CurrentPrincipal) -> Note:
        return note

    @app.get("/notes/{identifier}")
    def one(identifier: Id32, limit: int = 1) -> int:
        if identifier == 404:
            raise NoteLostError("note 404 is lost")
        return identifier * limit

    return app


ENVIRONMENT = """
from sqlalchemy import MetaData
from servicekit import migrate

migrate.run_env(MetaData())
"""
REVISION = """
from alembic import op

revision = {revision!r}
down_revision = {down!r}

def upgrade():
    op.execute("CREATE TABLE {table} (id integer)")
"""


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """Make a migrations folder with the revisions one and two. Each makes a table."""
    folder = tmp_path / "100%" / "migrations"  # A percent sign is special to Alembic.
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENVIRONMENT)
    add_revision(folder, "one", None)
    add_revision(folder, "two", "one")
    return folder


def add_revision(folder: Path, revision: str, down: str | None) -> None:
    text = REVISION.format(revision=revision, down=down, table=f"table_{revision}")
    (folder / "versions" / f"{revision}.py").write_text(text)


@pytest.fixture
def client(app: FastAPI) -> Iterator[httpx.Client]:
    with testing_client.running(app) as http:
        yield http
