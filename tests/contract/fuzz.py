"""Runs Schemathesis against a service."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
CONFIGURATION = "schemathesis.toml"
Headers = Mapping[str, str]


@dataclass(frozen=True)
class Found:
    """`text` is Schemathesis's own report; it has the failures with a curl command for each."""

    cases: int
    text: str
    passed: bool


def schemathesis(
    address: str,
    people: Mapping[str, Headers],
    folder: Path,
    *options: str,
    document: str = "/openapi.json",
) -> Found:
    """Compare the answers at the address with the document, as the users `ada` and `bob`.

    `options` are Schemathesis's own. Its files go into `folder`.
    """
    (folder / "people.json").write_text(json.dumps({"auth": [*map(_person, people.items())]}))
    report = folder / "report.json"
    program = Path(sys.executable).with_name("schemathesis")
    command: list[str | Path] = [program, "--no-color", "--config-file", FOLDER / CONFIGURATION]
    command += ["run", f"{address}{document}", "--url", address]
    command += ["--report-json-path", report, *options]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": str(FOLDER / "rules.py")}
    ended = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    # If it could not start there is no report, and its text says why.
    cases = json.loads(report.read_text())["test_cases"] if report.exists() else {"generated": 0}
    return Found(cases["generated"], ended.stdout, passed=ended.returncode == 0)


def _person(item: tuple[str, Headers]) -> dict[str, object]:
    name, headers = item
    fixed = [{"name": header, "value": value} for header, value in headers.items()]
    return {"name": name, "fixedHeaders": fixed}
