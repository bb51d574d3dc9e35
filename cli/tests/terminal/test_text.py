"""Text from elsewhere is safe to show."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasktracker_cli.terminal.text import counted, unsafe, visible, visible_json, visible_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b31m", r"\x9b31m"),
        ("bell\x07 delete\x7f", r"bell\x07 delete\x7f"),
        ("two\nlines\r\t", r"two\nlines\r\t"),
        ("\u202eevil\u2066", r"\u202eevil\u2066"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("lone\ud800", r"lone\ud800"),
        ("line\u2028end", r"line\u2028end"),
    ],
)
def test_unsafe_characters_are_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("text", ["Grüße, 世界", "👩\u200d💻", "a\u00a0b", "[red]:smile:", "\\x1b"])
def test_harmless_text_is_left_alone(text: str) -> None:
    assert visible(text) == text


def test_lines_stay_lines() -> None:
    assert visible_lines("one\r\ntwo\x1b\n") == ["one", r"two\x1b", ""]


@given(st.text(alphabet=st.characters(codec=None)))
def test_json_keeps_its_value_and_loses_what_is_unsafe(text: str) -> None:
    document = visible_json(json.dumps([text], ensure_ascii=False))
    assert json.loads(document) == json.loads(json.dumps([text]))
    assert not any(map(unsafe, document))


def test_a_number_has_its_noun() -> None:
    assert [counted(number, "task") for number in (0, 1, 2000)] == [
        "0 tasks",
        "1 task",
        "2,000 tasks",
    ]
