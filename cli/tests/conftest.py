"""The installed program as a process, and a gateway that answers as a test says."""

import json
import os
import secrets
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cli.tests import services
from servicekit.testing.plugin import MakeDatabase
from tasktracker_cli.logins.credentials import Credentials, Login

PROGRAM = Path(sys.executable).parent / "tasktracker-cli"
PASSWORD = "correct horse battery"
PROBLEM = {"Content-Type": "application/problem+json"}
TASK = {
    "id": 7,
    "title": "Water the plants",
    "description": None,
    "status": "todo",
    "priority": "medium",
    "is_completed": False,
    "due_date": None,
    "owner_id": 1,
    "created_at": "2030-01-02T03:04:05Z",
    "updated_at": "2030-01-02T03:04:05Z",
}
GRANT = {
    "access_token": "second-access",
    "refresh_token": "second-refresh",
    "token_type": "bearer",
    "expires_in": 900,
}
USER = {"id": 1, "username": "ada", "email": "ada@example.com", "full_name": None}


@dataclass
class Cli:
    """Runs the program with a state folder of its own, away from the user's settings."""

    env: dict[str, str]

    def __call__(self, *args: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, *args],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            env={**self.env, **env},
            timeout=60,
        )

    def json(self, *args: str) -> Any:
        done = self(*args, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})

    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.status == 204 else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class FakeGateway:
    """Answers each call as told, in the order told; the last answer to a call repeats."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.released = threading.Event()
        self._answers: dict[str, list[Answer | None]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def on(self, call: str, *answers: Answer | None) -> None:
        """Say what to answer to a call like "GET /tasks/"; None hangs until the test is over."""
        self._answers[call] = list(answers)

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Speak HTTPS from now on."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: Request) -> Answer | None:
        self.requests.append(request)
        path = request.path.partition("?")[0].removeprefix("/api/v1")
        answers = self._answers[f"{request.method} {path}"]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = gateway.answer(Request(self.command, self.path, headers, body))
                if answer is None:
                    gateway.released.wait(60)
                    return
                content = answer.content()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                pass  # the test's output is not the server's log

        return Handler


@pytest.fixture
def isolated(tmp_path: Path) -> Cli:
    """Give the program of a user who has never used it, with no address set."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "TZ": "Europe/Berlin",
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
    }
    return Cli(env)


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    fake = FakeGateway()
    yield fake
    fake.close()


@pytest.fixture
def guest(isolated: Cli, gateway: FakeGateway) -> Cli:
    """Give the program, aimed at the fake gateway."""
    return Cli({**isolated.env, "TASKTRACKER_URL": gateway.url})


def logins_of(cli: Cli) -> Credentials:
    """Return the logins that the program keeps."""
    return Credentials(Path(cli.env["XDG_STATE_HOME"]) / "tasktracker")


@pytest.fixture
def cli(guest: Cli) -> Cli:
    """Give the program of a user who is logged in at the fake gateway."""
    logins_of(guest).save(guest.env["TASKTRACKER_URL"], Login("ada", "token-of-ada"))
    return guest


@pytest.fixture(scope="session")
def address(make_database: MakeDatabase) -> Iterator[str]:
    """Run the real services behind one address."""
    with services.running(make_database, services.KEY) as url:
        yield url


@pytest.fixture
def newcomer(isolated: Cli, address: str) -> Cli:
    return Cli({**isolated.env, "TASKTRACKER_URL": address})


def register(cli: Cli, name: str) -> int:
    account = ["--username", name, "--email", f"{name}@example.com", "--full-name", "Ada L."]
    return cli("register", *account, "--password-stdin", stdin=f"{PASSWORD}\n").returncode


def log_in(cli: Cli, name: str, password: str = PASSWORD) -> int:
    arguments = ["--username", name, "--password-stdin"]
    return cli("login", *arguments, stdin=f"{password}\n").returncode


@pytest.fixture
def user(newcomer: Cli) -> Cli:
    """Give the program of a registered user with an empty list, logged in."""
    name = f"user-{secrets.token_hex(4)}"
    assert register(newcomer, name) == 0
    assert log_in(newcomer, name) == 0
    return newcomer
