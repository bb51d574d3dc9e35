"""releases.artifact_store: real stores on loopback, as three machines have them."""

import hashlib
import io
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tasktracker_cluster.agents import certificates
from tasktracker_cluster.agents.certificates import Identity, Role
from tasktracker_cluster.machine import wait
from tasktracker_cluster.releases import artifact_store
from tasktracker_cluster.releases.artifact_store import (
    Certificate,
    MissingArtifactError,
    SharedStore,
    Store,
)

CONTENT = b"an artifact" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NOBODY = "127.0.0.1:9"  # nothing listens there

AUTHORITY, STRANGER = certificates.make_authority(), certificates.make_authority()


def certificate(
    folder: Path, issuer: Identity = AUTHORITY, role: Role = certificates.STORE
) -> Certificate:
    """Write a certificate, and the authority that its owner trusts."""
    folder.mkdir(exist_ok=True)
    own = certificates.issue(issuer, role)
    (folder / "authority.pem").write_text(AUTHORITY.certificate)
    (folder / "certificate.pem").write_text(own.certificate)
    (folder / "key.pem").write_text(own.key)
    return Certificate.of_folder(folder)


Opens = Callable[..., str]
Program = Callable[..., tuple[str, "subprocess.Popen[str]"]]


@pytest.fixture
def opens(tmp_path: Path) -> Iterator[Opens]:
    """Return a function that opens a store with an artifact, and returns its address and port."""
    with ExitStack() as stack:

        def open_one(
            content: bytes | None = CONTENT, own: Certificate | None = None, *others: str
        ) -> str:
            folder = tmp_path / f"store-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            if content is not None:
                (folder / f"{SHA256}.pex").write_bytes(content)
            own = own or certificate(folder)
            kind = Store if others else SharedStore
            server = stack.enter_context(kind("127.0.0.1:0", folder, own, others))
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            return f"127.0.0.1:{server.server_address[1]}"

        yield open_one


@pytest.fixture
def own(tmp_path: Path) -> Certificate:
    """Give the certificate of the machine that asks."""
    return certificate(tmp_path / "own")


def fetched(own: Certificate, *stores: str) -> bytes:
    """Return what is fetched from the first store that has the right content."""
    target = io.BytesIO()
    assert artifact_store.fetch(SHA256, stores, own, target) == stores[-1]
    return target.getvalue()


def refusal(own: Certificate, *stores: str) -> str:
    with pytest.raises(MissingArtifactError) as raised:
        artifact_store.fetch(SHA256, stores, own, io.BytesIO())
    return str(raised.value)


def test_an_artifact_comes_from_another_machine(opens: Opens, own: Certificate) -> None:
    assert fetched(own, opens()) == CONTENT


def test_stores_that_are_away_or_lack_it_or_have_it_damaged_are_passed_over(
    opens: Opens, own: Certificate
) -> None:
    lacking, damaged = opens(None), opens(CONTENT[:-1])
    assert fetched(own, NOBODY, lacking, damaged, opens()) == CONTENT
    reasons = refusal(own, NOBODY, lacking, damaged)
    assert f"{NOBODY}: [Errno 111] Connection refused" in reasons
    assert f"{lacking}: it answers 404" in reasons
    assert f"{damaged}: its content has another checksum" in reasons


def test_without_other_machines_there_is_no_other_store(own: Certificate) -> None:
    assert refusal(own) == "there is no other store"


def test_a_store_with_a_certificate_of_another_authority_or_name_is_not_believed(
    opens: Opens, own: Certificate, tmp_path: Path
) -> None:
    assert "certificate verify failed" in refusal(
        own, opens(CONTENT, certificate(tmp_path / "a", STRANGER))
    )
    pages = certificate(tmp_path / "b", role=certificates.PAGES)
    assert "certificate verify failed" in refusal(own, opens(CONTENT, pages))


def test_a_machine_without_a_certificate_of_the_authority_gets_nothing(
    opens: Opens, tmp_path: Path
) -> None:
    store = opens()
    refusal(certificate(tmp_path / "stranger", STRANGER), store)  # the alert may be lost
    address, _, port = store.partition(":")
    context = ssl.create_default_context(cadata=AUTHORITY.certificate)
    context.check_hostname = False
    with (
        socket.create_connection((address, int(port)), 10) as plain,
        context.wrap_socket(plain) as secured,
        pytest.raises(OSError),  # noqa: PT011  # the same
    ):
        secured.recv(1)


def test_replaced_certificates_are_used_without_a_restart(opens: Opens, tmp_path: Path) -> None:
    theirs = certificate(tmp_path / "theirs", STRANGER)
    store, own = opens(CONTENT, theirs), certificate(tmp_path / "own")
    assert "certificate verify failed" in refusal(own, store)
    certificate(tmp_path / "theirs")
    assert fetched(own, store) == CONTENT


def get(store: str, path: str, method: str = "GET") -> tuple[int, bytes]:
    address, _, port = store.partition(":")
    with closing(HTTPConnection(address, int(port), timeout=10)) as connection:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of a task, with its folder for files that nobody keeps."""
    (tmp_path / "task" / "tmp").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "task")
    return tmp_path / "task"


def test_a_nodes_own_agent_gets_what_only_another_machine_has(
    opens: Opens, own: Certificate, task: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = opens()
    store = opens(None, own, NOBODY, other)
    assert get(store, f"/{SHA256}.pex") == (200, CONTENT)
    assert get(store, f"/{SHA256}.pex", "HEAD") == (404, b""), "Nomad asks so first"
    assert list((task / "tmp").iterdir()) == []
    line = json.loads(capsys.readouterr().out)
    assert line["event"] == f"fetched {SHA256} from {other}"


def test_what_no_machine_has_is_not_found_and_the_log_says_why(
    opens: Opens, own: Certificate, task: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = opens(None, own, NOBODY)
    assert get(store, f"/{SHA256}.pex")[0] == 404
    assert "Connection refused" in json.loads(capsys.readouterr().out)["event"]


def events(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]


def test_callers_that_ask_for_any_names_do_not_fill_the_log(
    opens: Opens, own: Certificate, task: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = opens(CONTENT[:-1])
    store = opens(None, own, damaged)
    for digit in "0123":
        assert get(store, f"/{digit * 64}.pex")[0] == 404
    assert events(capsys) == [f"no other store has {'0' * 64}: {damaged}: it answers 404"]
    for _ in range(2):
        assert get(store, f"/{SHA256}.pex")[0] == 404
    (another_reason,) = events(capsys)
    assert "its content has another checksum" in another_reason


def test_a_certificate_that_cannot_be_used_is_in_the_log_once_for_each_reason(
    opens: Opens, own: Certificate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = certificate(tmp_path / "theirs")
    store, key = opens(CONTENT, theirs), theirs.key.read_text()
    theirs.key.unlink()
    for _ in range(2):
        refusal(own, store)
    (missing,) = events(capsys)
    assert missing == "cannot use the certificate: [Errno 2] No such file or directory"
    theirs.key.write_text(key[: len(key) // 2])
    for _ in range(2):
        refusal(own, store)
    (half,) = events(capsys)
    assert half.startswith("cannot use the certificate: ")
    theirs.key.write_text(key)
    assert fetched(own, store) == CONTENT
    theirs.key.write_text(key[: len(key) // 2])
    refusal(own, store)
    assert events(capsys) == [half], "it is a new fault"


@pytest.mark.parametrize("path", ["/", "/store", f"/../{SHA256}.pex", f"/{SHA256}.pex/", "/a.pex"])
def test_only_names_of_artifacts_are_answered(
    opens: Opens, own: Certificate, task: Path, path: str
) -> None:
    assert get(opens(CONTENT, own, NOBODY), path)[0] == 404


def test_a_caller_that_never_ends_its_handshake_is_cut_off(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifact_store, "SECONDS", 0.2)
    address, _, port = opens().partition(":")
    with socket.create_connection((address, int(port)), 10) as plain:
        assert plain.recv(1) == b""


def is_cut_off(connection: socket.socket, seconds: float) -> bool:
    """Send bit by bit until the other side ends the connection, and return whether it did."""
    connection.settimeout(0.05)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            connection.sendall(b"a")
            return connection.recv(1) == b""
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


@pytest.mark.parametrize("others", [[], [NOBODY]])
def test_a_caller_that_sends_its_request_bit_by_bit_is_cut_off(
    opens: Opens, own: Certificate, monkeypatch: pytest.MonkeyPatch, others: list[str]
) -> None:
    monkeypatch.setattr(artifact_store, "SECONDS", 1)
    address, _, port = opens(CONTENT, own, *others).partition(":")
    with ExitStack() as stack:
        caller = stack.enter_context(socket.create_connection((address, int(port)), 10))
        if not others:
            context = own.context(ssl.PROTOCOL_TLS_CLIENT)
            caller = context.wrap_socket(caller, server_hostname=artifact_store.NAME)
            stack.enter_context(caller)
        caller.sendall(b"GET /")
        assert is_cut_off(caller, 8)  # the limit of each read is 10 s


def test_a_thread_that_cannot_start_keeps_no_place(
    opens: Opens, own: Certificate, task: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifact_store, "MOST_CONNECTIONS", 1)
    store = opens(CONTENT, own, NOBODY)

    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", fail)
        assert not _answers(store)
    wait.until("a free place", lambda: _answers(store), 10)


def test_with_too_many_connections_the_next_is_refused_at_once(
    opens: Opens,
    own: Certificate,
    task: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(artifact_store, "MOST_CONNECTIONS", 1)
    store = opens(CONTENT, own, NOBODY)
    address, _, port = store.partition(":")
    with socket.create_connection((address, int(port)), 10) as first:
        first.sendall(b"GET ")  # the rest does not come
        for _ in range(3):
            assert get(store, f"/{SHA256}.pex") == (503, b"")
    wait.until("a free place", lambda: _answers(store), 10)
    assert events(capsys) == ["cannot answer: 1 connections are open"]


def _answers(store: str) -> bool:
    status, content = get(store, f"/{SHA256}.pex")
    assert (status, content) in [(200, CONTENT), (503, b"")]
    return status == 200


def test_a_file_that_cannot_be_read_is_an_answer_and_a_line_of_the_log(
    opens: Opens,
    own: Certificate,
    task: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = set(tmp_path.iterdir())
    store = opens(None, own, NOBODY)
    (folder,) = set(tmp_path.iterdir()) - before
    (folder / f"{SHA256}.pex").mkdir()
    for method in ("GET", "HEAD"):
        assert get(store, f"/{SHA256}.pex", method)[0] == 500
    (event,) = events(capsys)
    assert event.startswith("cannot answer: IsADirectoryError")


def test_without_a_place_for_what_is_fetched_the_answer_is_an_error(
    opens: Opens, own: Certificate, task: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = opens(None, own, opens())
    (task / "tmp").rmdir()
    assert get(store, f"/{SHA256}.pex")[0] == 500
    (event,) = events(capsys)
    assert event.startswith("cannot answer: FileNotFoundError")


@pytest.fixture
def program(tmp_path: Path, task: Path) -> Iterator[Program]:
    """Return a function that starts the program as the job does, without a wall."""
    certificate(tmp_path / "certificate")
    folder = tmp_path / "artifacts"
    folder.mkdir()
    with ExitStack() as stack:

        def start(*others: str) -> tuple[str, subprocess.Popen[str]]:
            local, shared = (f"127.0.0.1:{port}" for port in _free_ports())
            words = [folder, tmp_path / "certificate", local, shared, *others]
            command = [sys.executable, "-I", "-S", artifact_store.__file__, *map(str, words)]
            process = stack.enter_context(
                subprocess.Popen(
                    command, env={"PATH": os.environ["PATH"]}, stdout=subprocess.PIPE, text=True
                )
            )
            stack.callback(process.kill)
            wait.until("the store", lambda: _is_open(local), 30)
            return local, process

        yield start


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def test_the_program_needs_the_standard_library_only(program: Program, tmp_path: Path) -> None:
    """The job runs this file with a release's Python, behind a wall."""
    (tmp_path / "artifacts" / f"{SHA256}.pex").write_bytes(CONTENT)
    local, process = program()
    assert get(local, f"/{SHA256}.pex") == (200, CONTENT)
    process.terminate()
    assert process.wait(30) == 0


def test_a_store_that_is_restarted_answers_who_waits_for_another_machine(program: Program) -> None:
    """Before, it closed the connection without an answer."""
    with socket.create_server(("127.0.0.1", 0)) as lost, ThreadPoolExecutor() as pool:
        local, process = program(f"127.0.0.1:{lost.getsockname()[1]}", NOBODY)
        answer = pool.submit(get, local, f"/{SHA256}.pex")
        with lost.accept()[0]:  # and no handshake
            process.terminate()
            wait.until("the end of the port", lambda: not _is_open(local), 30)
        assert answer.result(30)[0] == 503
        assert process.wait(30) == 0
        assert process.stdout
        (line,) = process.stdout
        assert json.loads(line)["event"] == "cannot answer: the store ends"


def _is_open(store: str) -> bool:
    address, _, port = store.partition(":")
    try:
        socket.create_connection((address, int(port)), 10).close()
    except OSError:
        return False
    return True
