"""progress: what a step shows on a terminal."""

import io

import pytest
from rich.console import Console

from tasktracker_cluster.progress import Steps

HIDE_CURSOR = "\x1b[?25l"  # a spinner begins with it


@pytest.mark.parametrize("alone", [True, False])
def test_a_spinner_turns_only_where_nothing_else_writes(alone: bool) -> None:
    shown = io.StringIO()
    steps = Steps(Console(file=shown, force_terminal=True, color_system=None))
    with steps.step("services", alone=alone) as step:
        step.detail = "all four"
    assert (HIDE_CURSOR in shown.getvalue()) is alone
    assert "✓ services all four 0.0 s" in shown.getvalue()
