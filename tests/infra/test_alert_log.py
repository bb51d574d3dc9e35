"""The program that writes alerts into a log: one line when an alert fires, one when it ends."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.tests.http_server import Agent, Refusal, serving
from tasktracker_cluster.records import formats
from tests.infra.reading import ROOT

PROGRAM = ROOT / "nomad" / "jobs" / "metrics" / "log_alerts.py"
LIMIT_SECONDS = 180
ALERTS = "/api/v1/alerts"
NO_HTTP = Refusal(99)  # there is no such status


def alert(name: str, severity: str, state: str = "firing", **labels: str) -> dict[str, Any]:
    named = {"alertname": name, "severity": severity, **labels}
    summary = {"summary": f"{name} says so."}
    return {"name": name, "state": state, "labels": named, "annotations": summary}


class Vmalert(Agent):
    """A vmalert, and what the program says about its alerts."""

    log: subprocess.Popen[str]

    def knows(self, *alerts: dict[str, Any]) -> None:
        self.answers[ALERTS] = {"data": {"alerts": list(alerts)}}

    def said(self) -> formats.Said:
        """Wait for a line of the program, and read it as `admin logs` does."""
        assert self.log.stdout
        watchdog = threading.Timer(LIMIT_SECONDS, self.log.kill)
        watchdog.start()
        line = self.log.stdout.readline()
        watchdog.cancel()
        assert line, "it said nothing"
        return formats.read(line.strip())


@pytest.fixture
def vmalert() -> Iterator[Vmalert]:
    with serving(Vmalert()) as server:
        url = f"http://127.0.0.1:{server.port}"
        command = [sys.executable, "-I", "-S", str(PROGRAM), url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server.log:
            yield server
            server.log.terminate()


def test_an_alert_is_a_line_when_it_fires_and_a_line_when_it_ends(vmalert: Vmalert) -> None:
    vmalert.knows(alert("Down", "critical", service="portal"), alert("Soon", "warning", "pending"))
    fires = vmalert.said()
    assert fires.time is not None
    assert (fires.level, fires.event) == ("error", "alert fires")
    assert fires.fields == {"alert": "Down", "severity": "critical", "summary": "Down says so."}
    vmalert.knows(alert("Soon", "warning", "pending"))
    ends = vmalert.said()
    assert (ends.level, ends.event, ends.fields["alert"]) == ("info", "alert ends", "Down")


def test_two_alerts_of_one_rule_are_told_apart(vmalert: Vmalert) -> None:
    one, other = (alert("Slow", "warning", router=name) for name in ("a", "b"))
    vmalert.knows(one)
    assert vmalert.said().level == "warning"
    vmalert.knows(one, other)
    assert vmalert.said().event == "alert fires"
    vmalert.knows(other)
    assert vmalert.said().event == "alert ends"


@pytest.mark.parametrize("answer", [Refusal(503), b"no JSON", NO_HTTP])
def test_an_alert_has_not_ended_when_vmalert_does_not_answer(
    vmalert: Vmalert, answer: object
) -> None:
    vmalert.knows(alert("First", "critical"))
    assert vmalert.said().event == "alert fires"
    asked = threading.Event()

    def refuse(_: object) -> object:
        asked.set()
        return answer

    vmalert.answers[ALERTS] = refuse
    assert asked.wait(LIMIT_SECONDS)
    vmalert.knows(alert("First", "critical"), alert("Second", "critical"))
    assert vmalert.said().fields["alert"] == "Second"


def test_a_vmalert_that_starts_again_and_knows_no_alert_at_first_has_ended_none(
    vmalert: Vmalert,
) -> None:
    first, second = (alert(name, "critical") for name in ("First", "Second"))
    vmalert.knows(first)
    assert vmalert.said().event == "alert fires"
    answers = [[], [], [first], [], [], [first, second]]

    def start_twice(_: object) -> object:
        return {"data": {"alerts": answers.pop(0) if len(answers) > 1 else answers[0]}}

    vmalert.answers[ALERTS] = start_twice
    assert vmalert.said().fields["alert"] == "Second"
    vmalert.knows(first)
    ends = vmalert.said()
    assert (ends.event, ends.fields["alert"]) == ("alert ends", "Second")
