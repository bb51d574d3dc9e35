"""What the documents say is there is there: links, files, variables, settings, edges of the mesh.

Recipes are compared in tests/infra/test_recipes.py, secrets in tests/infra/test_isolation.py.
"""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from tasktracker_cluster.topology import SERVICES, Service
from tests.infra.reading import ROOT, run

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SECRET_PATH = re.compile(r"nomad/jobs/[\w-]+/\w+/[\w-]+")  # of a Nomad Variable

document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)


def reference() -> str:
    return (ROOT / "docs" / "operations" / "reference.md").read_text()


def settings(service: Service) -> type[BaseSettings]:
    """Return the class that reads a service's environment."""
    module = import_module(f"{service.module}.settings")
    found: type[BaseSettings] = getattr(module, f"{service.folder.title()}Settings")
    return found


def tracked() -> list[str]:
    return run("git", "ls-files", "-z").stdout.rstrip("\0").split("\0")


def anchors(path: Path) -> set[str]:
    """Return what a link may name behind `#`: headings as GitHub spells them, and ids."""
    text = path.read_text()
    headings = [re.sub(r"[^\w -]", "", h).strip() for h in re.findall(r"(?m)^#+ (.+)$", text)]
    ids: list[str] = re.findall(r'<a id="([\w-]+)">', text)
    return {heading.lower().replace(" ", "-") for heading in headings} | set(ids)


def paths(text: str) -> Iterator[str]:
    """Words in code that begin like a path of this repository."""
    folders = {name.partition("/")[0] for name in tracked() if "/" in name}
    for fenced, inline in re.findall(r"(?s)```(.+?)```|`([^`\n]+)`", text):
        for word in re.findall(r"(?<![\w/~.$-])[\w.-]+(?:/[\w.*-]*)+", fenced or inline):
            if word.partition("/")[0] in folders:
                yield word


def table(text: str, columns: int) -> Iterator[list[str]]:
    """Yield the rows of every table with that many columns."""
    for line in re.findall(r"(?m)^\| (.+) \|$", text):
        cells = line.split(" | ")
        if len(cells) == columns:
            yield cells


@document
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if not link.startswith("http"):
            name, _, anchor = link.partition("#")
            target = document.parent / name if name else document
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


@document
def test_every_python_file_exists(document: Path) -> None:
    code = re.findall(r"`([^`\n]+)`", document.read_text())
    named = {name for text in code for name in re.findall(r"[\w./-]+\.py\b", text)}
    known = [f"/{path}" for path in tracked()]
    assert [name for name in named if not any(path.endswith(f"/{name}") for path in known)] == []


@document
def test_every_path_of_the_repository_exists(document: Path) -> None:
    for path in paths(document.read_text()):
        assert list(ROOT.glob(path)) or SECRET_PATH.fullmatch(path), path


def test_a_document_that_the_code_names_exists() -> None:
    named = run("git", "grep", "-hoE", r"docs/[a-z0-9/-]+\.md").stdout.split()
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_decision_is_in_the_list() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text())
    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))


def test_documents_and_code_know_the_same_variables() -> None:
    variable = re.compile(r"TASKTRACKER(?:_[A-Z]+)+")
    code = {
        name
        for path in tracked()
        if not re.search(r"(^|/)tests/|\.(md|png)$", path) and (ROOT / path).is_file()
        for name in variable.findall((ROOT / path).read_text())
    }
    documented = {name for path in DOCUMENTS for name in variable.findall(path.read_text())}
    assert documented == code


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_every_setting_of_a_service_is_documented(service: Service) -> None:
    documented = {
        name
        for names, services, *_ in table(reference(), columns=4)
        if services == "all" or service.folder in services.split(", ")
        for name in re.findall(r"`([A-Z_]+)`", names)
    }
    assert documented == {field.upper() for field in settings(service).model_fields}


def test_the_edges_of_the_mesh_are_its_intentions() -> None:
    allowed = {
        (source, path.stem)
        for path in (ROOT / "consul").glob("*-entries/service-intentions/*.hcl")
        for source in re.findall(r'(?m)^    Name\s+= "(.+)"$', path.read_text())
    }
    text = (ROOT / "docs" / "architecture.md").read_text()
    rows = [(source.strip("`"), to.strip("`")) for source, to, _ in table(text, columns=3)]
    assert set(rows) - {("From", "To"), ("---", "---")} == allowed


def test_the_tour_of_the_code_names_every_folder_of_the_client_the_cluster_and_the_tests() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    tour = text[text.index("## The code in five minutes") : text.index("## One request")]
    folders = {
        name.removeprefix(source).partition("/")[0]
        for source in ("cli/src/tasktracker_cli/", "cluster/src/tasktracker_cluster/", "tests/")
        for name in tracked()
        if name.startswith(source) and "/" in name.removeprefix(source)
    }
    assert {"dates", "agents", "e2e"} <= folders
    assert {name for name in folders if not re.search(rf"`{name}/?`", tour)} == set()


def test_the_runbook_has_every_alert() -> None:
    rules = (ROOT / "nomad" / "jobs" / "metrics" / "rules").glob("*.yml")
    names = {name for path in rules for name in re.findall(r"- alert: (\w+)", path.read_text())}
    runbook = (ROOT / "docs" / "operations" / "runbook.md").read_text()
    section = runbook.partition("\n## Alerts\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"(?m)^\| `(\w+)` \|", section)) == names
