"""The names of the client's modules."""

from collections import Counter
from pathlib import Path

import tasktracker_cli

SOURCE = Path(tasktracker_cli.__file__).parent


def test_a_module_shares_its_name_with_no_other() -> None:
    names = Counter(path.name for path in SOURCE.rglob("*.py") if path.name != "__init__.py")
    assert names["main.py"] == 1
    assert [name for name, count in names.items() if count > 1] == []
