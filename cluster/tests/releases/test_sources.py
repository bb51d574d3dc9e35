"""releases.sources: the name of a release follows from its content."""

from pathlib import Path

import pytest

from tasktracker_cluster.releases import sources

FILES = {
    "requirements/runtime.lock": "anyio==4",
    "services/task/pyproject.toml": "[project]",
    "services/task/src/task_service/app.py": "app",
    "services/task/src/task_service/migrations/versions/1.py": "migration",
}


def checkout(folder: Path, **changed: str) -> Path:
    """Write a checkout; `changed` replaces the text of a file, by the end of its name."""
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(changed.get(file.stem, text))
    return folder


def test_the_same_content_has_the_same_name_in_every_folder(tmp_path: Path) -> None:
    first = sources.digest(checkout(tmp_path / "one"))
    assert sources.digest(checkout(tmp_path / "two")) == first
    assert len(first) == 12


@pytest.mark.parametrize("changed", ["runtime", "pyproject", "app", "1"])
def test_each_changed_file_changes_the_name(tmp_path: Path, changed: str) -> None:
    before = sources.digest(checkout(tmp_path))
    assert sources.digest(checkout(tmp_path, **{changed: "other"})) != before


def test_a_renamed_file_changes_the_name(tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    before = sources.digest(folder)
    app = folder / "services/task/src/task_service/app.py"
    app.rename(app.with_name("main.py"))
    assert sources.digest(folder) != before


@pytest.mark.parametrize(
    "name",
    [
        "services/task/src/task_service/__pycache__/app.cpython-311.pyc",
        "services/task/tests/test_app.py",
        "services/notes/readme.txt",
        "cli/src/tasktracker_cli/main.py",
    ],
)
def test_a_file_that_no_service_runs_does_not_change_the_name(tmp_path: Path, name: str) -> None:
    folder = checkout(tmp_path)
    before = sources.digest(folder)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("anything")
    assert sources.digest(folder) == before
