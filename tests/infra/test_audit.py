"""`./just audit` finds planted faults, and reports a check that cannot run."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from servicekit import keys
from tests.infra.reading import ROOT
from tools.audit import programs

NOWHERE = "http://127.0.0.1:1/"
OLD = "golang.org/x/text v0.3.5"  # GO-2021-0113: a language tag makes it panic
PROGRAM = """package main
import ("fmt"; "golang.org/x/text/language")
func main() { fmt.Println(language.Parse("en")) }
"""


def audit(root: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.audit", "--root", root, *words],
        cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def git(root: Path, *words: str) -> None:
    author = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.com")
    subprocess.run(["git", *author, *words], cwd=root, check=True, capture_output=True)


def test_a_secret_is_found_in_a_commit_that_a_later_commit_undid(tmp_path: Path) -> None:
    file = tmp_path / "settings.py"
    git(tmp_path, "init", "--quiet")
    for text in (f'KEY = """{keys.generate()[0]}"""\n', "KEY = None\n"):
        file.write_text(text)
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "--quiet", "-m", "settings")

    done = audit(tmp_path, "secrets")

    assert done.returncode == 1
    assert "secrets: found" in done.stdout
    assert "settings.py:1: private-key" in done.stdout
    assert "BEGIN" not in done.stdout, "what was found is not shown"


def test_a_fault_in_the_code_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "services"
    folder.mkdir()
    (folder / "weak.py").write_text("import hashlib\nprint(hashlib.md5(b'x').hexdigest())\n")

    done = audit(tmp_path, "code")

    assert done.returncode == 1
    assert "services/weak.py:2: B324" in done.stdout


class Advisories(BaseHTTPRequestHandler):
    """An OSV service that knows one vulnerability."""

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = query["package"]["name"]
        package = {"name": name, "ecosystem": "PyPI"}
        ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.11.3"}]}]
        known = {"id": "PYSEC-0000-1", "affected": [{"package": package, "ranges": ranges}]}
        answer = json.dumps({"vulns": [known]} if name == "jinja2" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def osv() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Advisories) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()
        thread.join()


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    (tmp_path / "requirements").mkdir()
    pins = "".join(f"{pin} --hash=sha256:{'0' * 64}\n" for pin in ("jinja2==2.4.1", "idna==3.11"))
    (tmp_path / "requirements" / "runtime.lock").write_text(pins)
    return tmp_path


def test_a_vulnerability_of_a_locked_package_is_found(locked: Path, osv: str) -> None:
    done = audit(locked, "--osv", osv, "python")
    assert done.returncode == 1
    assert "jinja2 2.4.1: PYSEC-0000-1, fixed in 2.11.3" in done.stdout
    assert "idna" not in done.stdout


@pytest.mark.parametrize(("strict", "code"), [([], 0), (["--strict"], 1)])
def test_a_check_that_cannot_run_says_so(locked: Path, strict: list[str], code: int) -> None:
    done = audit(locked, "--osv", NOWHERE, *strict, "python")
    assert done.returncode == code
    assert done.stdout.startswith("python: not checked: ")


def test_a_vulnerability_in_a_built_program_is_found_unless_it_was_accepted(tmp_path: Path) -> None:
    source, cache = tmp_path / "source", tmp_path / "cache" / "tasktracker"
    source.mkdir()
    (cache / "tools").mkdir(parents=True)
    audits = programs.tools_folder().with_name("audit")
    audits.mkdir(parents=True, exist_ok=True)
    (cache / "audit").symlink_to(audits)  # built once, for all checkouts
    (source / "main.go").write_text(PROGRAM)
    (source / "go.mod").write_text(f"module planted\ngo 1.25\nrequire {OLD}\n")
    build = ["go", "build", "-mod=mod", "-o", str(cache / "tools" / "planted-1.0.0"), "."]
    subprocess.run(build, cwd=source, check=True, env={**os.environ, "GOTOOLCHAIN": "local"})

    done = audit(tmp_path, "go", XDG_CACHE_HOME=str(cache.parent))
    assert done.returncode == 1, done.stdout
    assert "planted-1.0.0: GO-2021-0113" in done.stdout

    found = [line.split()[1].rstrip(",") for line in done.stdout.splitlines()[1:]]
    accepted = tmp_path / "tools" / "audit" / "accepted.txt"
    accepted.parent.mkdir(parents=True)
    accepted.write_text("".join(f"{each}  planted\n" for each in found))
    done = audit(tmp_path, "go", XDG_CACHE_HOME=str(cache.parent))
    assert (done.returncode, done.stdout) == (0, "go: held\n")


def test_every_accepted_vulnerability_has_a_reason() -> None:
    lines = (ROOT / "tools" / "audit" / "accepted.txt").read_text().splitlines()
    for line in lines:
        assert line.startswith("#") or len(line.partition(": ")[2]) > 10, line


def test_an_unknown_check_is_refused_with_the_known_ones() -> None:
    done = audit(ROOT, "everything")
    assert done.returncode == 2
    assert "there is no check everything" in done.stderr
