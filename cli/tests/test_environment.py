"""What the environment says of folders and time limits."""

from pathlib import Path

import pytest

from tasktracker_cli.environment import state_dir, timeout_seconds
from tasktracker_cli.errors import UsageError


def test_the_state_folder_ignores_a_relative_path() -> None:
    assert state_dir({"XDG_STATE_HOME": "/state"}) == Path("/state/tasktracker")
    assert state_dir({"XDG_STATE_HOME": "state"}) == Path.home() / ".local/state/tasktracker"


@pytest.mark.parametrize("text", ["0", "0.001", "0.0999", "3601", "-1", "nan", "inf", "soon"])
def test_a_time_limit_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        timeout_seconds({"TASKTRACKER_TIMEOUT": text})
