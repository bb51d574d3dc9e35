"""What is looked at, and what was found there."""

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
    """`root` is the checkout; `osv` the address of an OSV service, else the registry is asked."""

    root: Path
    osv: str | None = None


def secrets(options: Options) -> Iterator[str]:
    """Passwords, keys and tokens in any commit. Reviewed ones: .gitleaksignore."""
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
    """bandit from medium severity on; ruff has its rules of low severity. Reviewed: `# nosec`."""
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
    """Known holes in the Python packages of requirements/*.lock."""
    files = sorted((options.root / "requirements").glob("*.lock"))
    # Each alone: a package that two of them name is a mistake to pip-audit.
    packages = {
        (package["name"], package.get("version")): package
        for file in files
        for package in _audited(file, options.osv)
    }
    for (name, version), package in sorted(packages.items(), key=lambda item: item[0][0]):
        for hole in package.get("vulns", ()):
            mended = ", ".join(hole["fix_versions"]) or "no version"
            yield f"{name} {version}: {hole['id']}, mended in {mended}"
    skipped = [package for package in packages.values() if "skip_reason" in package]
    if skipped:
        raise MissingError(
            f"no advisories for {len(skipped)} of {len(packages)} packages: the registry serves"
            " none. Where api.osv.dev can be reached: ./just audit --osv https://api.osv.dev/v1/query"
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
    """Known holes whose code is in the built Nomad and Consul. Reviewed ones: accepted.txt."""
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
        for hole in sorted(_holes(done.stdout) - accepted):
            yield f"{program.name}: {hole}, https://pkg.go.dev/vuln/{hole}"


def _accepted(file: Path) -> set[str]:
    lines = file.read_text().splitlines() if file.exists() else []
    return {line.split()[0] for line in lines if line and not line.startswith("#")}


def _holes(report: str) -> set[str]:
    """Of which a function is in the program; what only a module's name says is none."""
    found = (message["finding"] for message in _messages(report) if "finding" in message)
    return {each["osv"] for each in found if "function" in each["trace"][0]}


def _messages(report: str) -> Iterator[dict[str, Any]]:
    decoder, at = json.JSONDecoder(), 0
    while report[at:].strip():
        at += len(report[at:]) - len(report[at:].lstrip())
        message, at = decoder.raw_decode(report, at)
        yield message


CHECKS = {each.__name__: each for each in (secrets, code, python, go)}
