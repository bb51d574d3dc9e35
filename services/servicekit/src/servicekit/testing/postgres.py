"""A real PostgreSQL 15 for tests, on loopback, with a temporary folder."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

BIN = Path("/usr/lib/postgresql/15/bin")
START_LIMIT = 120  # seconds, for a busy machine
# These data need not survive a loss of power.
_FAST = ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]


# PostgreSQL refuses to run as root.
_AS_POSTGRES = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


@contextmanager
def running() -> Iterator[str]:
    """Run a new server. Yield postgresql://postgres@host:port, without a database."""
    with _folder() as (folder, prefix):
        _initialise(folder, prefix)
        with _server(folder, _free_port(), prefix) as url:
            yield url


@contextmanager
def standby(primary: str) -> Iterator[str]:
    """Run a standby of the server `primary`. Yield its URL. `SELECT pg_promote()` ends its role."""
    with _folder() as (folder, prefix):
        copy: list[str | Path] = [BIN / "pg_basebackup", "-d", f"{primary}/postgres",
                "-D", folder / "data", "--write-recovery-conf", "--checkpoint=fast"]  # fmt: skip
        subprocess.run([*prefix, *copy], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with _server(folder, _free_port(), prefix) as url:
            yield url


@contextmanager
def _folder() -> Iterator[tuple[Path, list[str]]]:
    """Yield a folder for a server, and the start of its commands, which makes them its user's."""
    is_root = os.geteuid() == 0
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if is_root:
            shutil.chown(folder, "postgres", "postgres")
        yield folder, _AS_POSTGRES if is_root else []
    finally:
        shutil.rmtree(folder)


def _initialise(folder: Path, prefix: list[str]) -> None:
    initdb: list[str | Path] = [
        BIN / "initdb",
        "-D",
        folder / "data",
        "-U",
        "postgres",
        "-A",
        "trust",
        "-N",
        "-E",
        "UTF8",
    ]
    # The account may have no access to the caller's working directory, so it gets another.
    subprocess.run([*prefix, *initdb], cwd=folder, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def _server(folder: Path, port: int, prefix: list[str]) -> Iterator[str]:
    postgres: list[str | Path] = [
        BIN / "postgres",
        "-D",
        folder / "data",
        "-p",
        str(port),
        "-k",
        folder,
        "-h",
        "127.0.0.1",
    ]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([*prefix, *postgres, *_FAST], cwd=folder, stdout=log, stderr=log)
    url = f"postgresql://postgres@127.0.0.1:{port}"
    try:
        _wait(server, url, folder / "log")
        yield url
    finally:
        server.send_signal(signal.SIGINT)  # fast shutdown: does not wait for clients
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT
    while True:
        try:
            psycopg2.connect(f"{url}/postgres").close()
            return
        except psycopg2.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}") from None
        time.sleep(0.05)
