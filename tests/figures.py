"""What tests measure, printed at the end of the run although they pass."""

from collections.abc import Callable
from functools import partial

import pytest

Say = Callable[[str], None]

PROPERTY = "figure"


@pytest.fixture
def say(record_property: Callable[[str, object], None]) -> Say:
    """Give a function that keeps a line for the end of the run.

    It is a property of the test's report, which comes back from a worker as well (`tests.lanes`).
    """
    return partial(record_property, PROPERTY)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print each line below the name of its test."""
    reports = [
        report
        for group in terminalreporter.stats.values()
        for report in group
        if isinstance(report, pytest.TestReport) and report.when == "call"
    ]
    said = [(each.nodeid, lines(each)) for each in reports if lines(each)]
    if said:
        terminalreporter.section("figures")
    for test, found in said:
        terminalreporter.write_line(test)
        for line in found:
            terminalreporter.write_line(f"  {line}")


def lines(report: pytest.TestReport) -> list[str]:
    """Return what a test said."""
    return [str(value) for name, value in report.user_properties if name == PROPERTY]
