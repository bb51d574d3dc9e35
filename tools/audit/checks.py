"""The checks of the audit. Each yields one line for each fault."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.audit import programs
from tools.audit.programs import MissingError, run

SOURCES = ("bench", "cli/src", "services")
ACCEPTED = Path("tools/audit/accepted.txt")


@dataclass(frozen=True)
class Options:
    """`root` is the checkout. `osv` is the URL of an OSV service, in place of the registry."""

    root: Path
    osv: str | None = None


def secrets(options: Options) -> Iterator[str]:
    """Find passwords, keys and tokens in any commit. Reviewed ones are in .gitleaksignore."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [programs.go_program("gitleaks"), "git", "--no-banner", "--redact",
                   "--report-format=json", f"--report-path={report}", options.root]  # fmt: skip
        done = run(command, options.root)
        if not report.exists():
            raise MissingError(done.stderr.strip()[-200:])
        for leak in json.loads(report.read_text()):
            yield f"{leak['File']}:{leak['StartLine']}: {leak['RuleID']} ({leak['Fingerprint']})"


def code(options: Options) -> Iterator[str]:
    """Run bandit from medium severity on; ruff has the rules of low severity.

    Reviewed lines have `# nosec`.
    """
    command = [programs.python_program("bandit"), "-q", "-ll", "-f", "json", "-r"]
    folders = [options.root / each for each in SOURCES if (options.root / each).exists()]
    done = run([*command, "-x", "*/tests/*", *folders])
    report = json.loads(done.stdout)
    for fault in report["errors"]:
        raise MissingError(f"{fault['filename']}: {fault['reason']}")
    for result in report["results"]:
        file = Path(result["filename"]).relative_to(options.root)
        yield f"{file}:{result['line_number']}: {result['test_id']} {result['issue_text']}"


def python(options: Options) -> Iterator[str]:
    """Find known vulnerabilities in the Python packages of requirements/*.lock."""
    files = sorted((options.root / "requirements").glob("*.lock"))
    # pip-audit refuses a package that is in two files, so it gets one file at a time.
    packages = {
        (package["name"], package.get("version")): package
        for file in files
        for package in _audited(file, options.osv)
    }
    for (name, version), package in sorted(packages.items(), key=lambda item: item[0][0]):
        for found in package.get("vulns", ()):
            fixed = ", ".join(found["fix_versions"]) or "no version"
            yield f"{name} {version}: {found['id']}, fixed in {fixed}"
    skipped = [package for package in packages.values() if "skip_reason" in package]
    if skipped:
        raise MissingError(
            f"no advisories for {len(skipped)} of {len(packages)} packages: the registry serves"
            " none. If api.osv.dev can be reached: ./just audit --osv https://api.osv.dev/v1/query"
        )


def _audited(lock: Path, osv: str | None) -> list[dict[str, Any]]:
    service = ["-s", "osv", "--osv-url", osv] if osv else []
    done = run([programs.python_program("pip-audit"), "--disable-pip", "--require-hashes",
                "--progress-spinner=off", "-f", "json", *service, "-r", lock])  # fmt: skip
    if not done.stdout.strip():
        raise MissingError(f"{lock.name}: {done.stderr.strip().splitlines()[-1][-200:]}")
    known: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    return known


def go(options: Options) -> Iterator[str]:
    """Find known vulnerabilities whose code is in the built Nomad and Consul.

    Reviewed ones are in accepted.txt.
    """
    built = programs.built()
    if not built:
        raise MissingError("neither Nomad nor Consul is built yet: ./just up builds them")
    accepted = _accepted(options.root / ACCEPTED)
    advisories = programs.go_advisories()
    for program in built:
        done = run([programs.go_program("govulncheck"), "-mode=binary", "-format=json",
                    f"-db=file://{advisories}", program])  # fmt: skip
        if done.returncode:
            raise MissingError(done.stderr.strip()[-200:])
        for found in sorted(_vulnerabilities(done.stdout) - accepted):
            yield f"{program.name}: {found}, https://pkg.go.dev/vuln/{found}"


def _accepted(file: Path) -> set[str]:
    lines = file.read_text().splitlines() if file.exists() else []
    return {line.split()[0] for line in lines if line and not line.startswith("#")}


def _vulnerabilities(report: str) -> set[str]:
    """Return those of which a function is in the program. A module's name alone is not enough."""
    found = (message["finding"] for message in _messages(report) if "finding" in message)
    return {each["osv"] for each in found if "function" in each["trace"][0]}


def _messages(report: str) -> Iterator[dict[str, Any]]:
    decoder, at = json.JSONDecoder(), 0
    while report[at:].strip():
        at += len(report[at:]) - len(report[at:].lstrip())
        message, at = decoder.raw_decode(report, at)
        yield message


CHECKS = {each.__name__: each for each in (secrets, code, python, go)}
