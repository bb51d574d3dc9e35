"""tests.lanes and tests.figures: small tests of four lanes, run by workers."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.reading import ROOT
from tests.lanes import SECOND

PLUGINS = ("-p", "tests.figures", "-p", "tests.lanes", "-p", "no:cacheprovider")
FILES = ("cli/tests/test_a.py", "services/tests/test_b.py", "tests/cluster/test_c.py",
         "tests/e2e/test_d.py", "tests/e2e/test_e.py", "cluster/tests/test_f.py")  # fmt: skip
TEST = """
import os

def test_whose_worker_is_said(say):
    assert not {"COLUMNS", "LINES"} & os.environ.keys()
    say(os.environ.get("PYTEST_XDIST_WORKER", "none"))
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Give a folder with tests of four lanes."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    for file in FILES:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(TEST)
    return tmp_path


def run(suite: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGINS, *options],
        cwd=suite,
        env={"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def workers(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return what each file's test said, from the end of the output."""
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.partition("= figures =")[2]
    return dict(re.findall(r"(?m)^(\S+)::test_whose_worker_is_said\n  (\w+)$", said))


def test_each_lane_has_one_worker_and_its_figures_are_printed(suite: Path) -> None:
    found = workers(run(suite, "-n", "4", "--dist", "loadscope", COLUMNS="80", LINES="24"))
    assert found.keys() == set(FILES)
    lanes = [
        {found[file] for file in files} for files in (FILES[:2], FILES[2:3], FILES[3:5], FILES[5:])
    ]
    assert [len(lane) for lane in lanes] == [1, 1, 1, 1]
    assert len(set().union(*lanes)) == 4


def test_a_run_without_workers_prints_the_same_figures(suite: Path) -> None:
    assert workers(run(suite)) == dict.fromkeys(FILES, "none")


def test_with_fewer_workers_than_lanes_no_test_runs(suite: Path) -> None:
    done = run(suite, "-n", "3", "--dist", "loadscope")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "4 lanes need as many workers, and there are 3" in done.stdout + done.stderr
    assert "passed" not in done.stdout


def test_the_second_cluster_has_tests() -> None:
    assert [name for name in SECOND if not (ROOT / "tests/e2e" / f"test_{name}.py").exists()] == []
