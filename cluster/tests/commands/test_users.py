"""`admin users`: what is told when the user service's own program fails."""

from subprocess import CompletedProcess

import pytest

from tasktracker_cluster.commands.users import must_have_worked
from tasktracker_cluster.errors import CommandError


@pytest.mark.parametrize(
    ("stderr", "evidence"),
    [
        ("", ()),
        (
            "Traceback\nOperationalError: it is down\n",
            ("Traceback", "OperationalError: it is down"),
        ),
    ],
)
def test_a_failure_is_one_sentence_and_what_was_printed_is_evidence(
    stderr: str, evidence: tuple[str, ...]
) -> None:
    with pytest.raises(CommandError) as raised:
        must_have_worked(CompletedProcess([], 137, "", stderr))
    told = "The user service's own program failed with exit code 137. Find out why: ./just doctor"
    assert raised.value.told() == told
    assert raised.value.evidence == evidence
