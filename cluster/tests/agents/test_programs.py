"""The programs `nomad` and `consul` run again while the servers elect, and never after a defect."""

from collections.abc import Callable

import pytest

from tasktracker_cluster.agents import programs
from tasktracker_cluster.errors import CommandError


def _failing(text: str, times: int) -> tuple[Callable[[], str], list[str]]:
    """Return a program that fails so many times with this line, and the list of its runs."""
    runs: list[str] = []

    def run() -> str:
        runs.append(text)
        if len(runs) <= times:
            raise CommandError("`nomad job run` failed with exit code 1.", evidence=["", text])
        return "done"

    return run, runs


@pytest.mark.parametrize(
    "text",
    [
        "Error submitting job: Unexpected response code: 500 (No cluster leader)",
        "Error writing config entry x: Unexpected response code: 500 (rpc error making call: EOF)",
        "Error submitting job: Unexpected response code: 500 (rpc error: stream closed)",
        "failed to exec into task: Unexpected response code: 500 (No path to node)",
    ],
)
def test_a_program_runs_again_while_the_servers_elect(text: str) -> None:
    run, runs = _failing(text, times=3)
    assert programs.run_patiently(run) == "done"
    assert len(runs) == 4


def test_a_program_that_fails_for_another_reason_runs_once() -> None:
    run, runs = _failing("Error getting job struct: Error parsing job file", times=1)
    with pytest.raises(CommandError):
        programs.run_patiently(run)
    assert len(runs) == 1


def test_patience_with_a_program_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "PATIENCE_SECONDS", 0.3)
    run, runs = _failing("No cluster leader", times=1000)
    with pytest.raises(CommandError):
        programs.run_patiently(run)
    assert 1 < len(runs) < 1000
