"""Three real machines in network namespaces, and a client in a fourth, for all tests here."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tasktracker_cluster.machine import shell
from tasktracker_cluster.testing.machines import Laboratory, three_machines
from tests.cluster import costs, failovers, losses

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

LIMIT_SECONDS = 1800
LOGS = ("consul.log", "nomad.log", "membership.log", "backups.log", "consul.err", "nomad.err")
TABLES = "tables"

of_workers: list[tuple[str, list[str]]] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(LIMIT_SECONDS))
    # At their end, so that never six machines run.
    items.sort(key=lambda item: "grown" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="module")
def lab() -> Iterator[Laboratory]:
    """Give three installed machines. Nothing runs on them yet."""
    with three_machines() as lab:
        yield lab


@pytest.fixture(scope="session")
def grown() -> Iterator[Laboratory]:
    """Give three machines that form a cluster, with two instances of each service.

    Each has a member of each database. All tests that break and repair something share them.
    """
    with three_machines() as lab:
        lab.grow()
        lab.machines[0].admin("up")
        yield lab


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the logs of all machines with a failure."""
    report = yield
    known = getattr(item, "funcargs", {})
    lab = known.get("grown", known.get("lab"))
    if report.failed and isinstance(lab, Laboratory):
        for machine in lab.machines:
            for program in LOGS:
                lines = shell.tail(machine.site.logs / program, 30)
                report.sections.append((f"{machine.name} {program}", "\n".join(lines)))
            shown = machine.admin("status", check=False)
            report.sections.append((f"{machine.name} status", shown.stdout + shown.stderr))
    return report


def tables() -> list[tuple[str, list[str]]]:
    """Return what losses, faults of the databases, and the safety of the data cost."""
    measured = {"losses": losses, "failovers": failovers, "costs": costs}
    return [(name, lines) for name, module in measured.items() if (lines := module.table())]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the tables over, if this process is a worker (`tests.lanes`)."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output[TABLES] = tables()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: "WorkerController") -> None:
    """Take the tables of a worker over. One that crashed has none."""
    of_workers.extend(getattr(node, "workeroutput", {}).get(TABLES, []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables."""
    for name, lines in (*tables(), *of_workers):
        terminalreporter.section(name)
        for line in lines:
            terminalreporter.write_line(line)
