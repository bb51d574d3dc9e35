"""The rules of alerts, by their own unit tests: each fires for its fault, and for nothing else."""

from pathlib import Path

import pytest
import yaml
from rich.console import Console

from tasktracker_cluster.machine import tools
from tasktracker_cluster.progress import Step
from tests.infra.reading import ROOT, run

RULES = ROOT / "nomad" / "jobs" / "metrics" / "rules"
TESTS = sorted((ROOT / "tests" / "infra" / "alerts").glob("*.yml"))


@pytest.fixture(scope="module")
def programs() -> Path:
    """Return the folder of the programs, built once for each version of their module."""
    return tools.observers(ROOT, Step("programs", Console(stderr=True), status=None))


def names(file: Path) -> set[str]:
    """Return the alerts of a file of rules."""
    groups = yaml.safe_load(file.read_text())["groups"]
    return {rule["alert"] for group in groups for rule in group["rules"]}


def test_vmalert_accepts_the_rules(programs: Path) -> None:
    result = run(programs / "vmalert", "-dryRun", f"-rule={RULES}/*.yml")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_each_alert_fires_for_its_fault_and_for_nothing_else(
    programs: Path, tmp_path: Path, file: Path
) -> None:
    placed = tmp_path / file.name
    placed.write_text(file.read_text().replace("RULES/", f"{RULES}/"))
    program = programs / "vmalert-tool"
    result = run(program, "unittest", "--disableAlertgroupLabel", f"--files={placed}")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("file", sorted(RULES.glob("*.yml")), ids=lambda file: file.stem)
def test_each_alert_has_a_test_in_the_file_of_its_name(file: Path) -> None:
    tested = yaml.safe_load((ROOT / "tests" / "infra" / "alerts" / file.name).read_text())
    asked = {case for test in tested["tests"] for case in map(_alert, test["alert_rule_test"])}
    assert asked == names(file)


def test_each_alert_says_in_a_sentence_what_is_wrong() -> None:
    for file in RULES.glob("*.yml"):
        for group in yaml.safe_load(file.read_text())["groups"]:
            for rule in group["rules"]:
                assert rule["annotations"]["summary"].endswith("."), rule["alert"]
                assert rule["labels"]["severity"] in ("warning", "critical"), rule["alert"]


def test_each_alert_fires_long_enough_for_the_log_of_alerts() -> None:
    # `log_alerts.py` asks every two seconds, and the machine may be so busy that some of it fails.
    for file in RULES.glob("*.yml"):
        for group in yaml.safe_load(file.read_text())["groups"]:
            for rule in group["rules"]:
                assert rule["keep_firing_for"] == "10s", rule["alert"]


def _alert(case: dict[str, str]) -> str:
    return case["alertname"]
