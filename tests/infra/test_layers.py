"""The name of a service's file determines its folder."""

from collections import defaultdict
from pathlib import Path

import pytest

from tests.infra.reading import ROOT

PACKAGES = sorted(file.parent for file in ROOT.glob("services/*/src/*/__init__.py"))
LAYERS = {"api", "clients", "domain", "persistence"}
EVERYWHERE = {"__init__", "__main__"}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_file_name_is_unique_or_once_in_each_layer(package: Path) -> None:
    folders = defaultdict(list)
    for file in package.rglob("*.py"):
        if file.stem not in EVERYWHERE:
            folders[file.stem].append(str(file.parent.relative_to(package)))
    assert folders
    repeated = {name: found for name, found in folders.items() if len(found) > 1}
    assert [name for name, found in repeated.items() if not set(found) <= LAYERS] == []
