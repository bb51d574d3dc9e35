"""membership.join_line: what a join line holds, and that an altered one is refused."""

import pytest

from tasktracker_cluster.errors import BadJoinLineError
from tasktracker_cluster.membership.join_line import JoinLine

LINE = JoinLine("10.0.0.1", 4651, "ab" * 32, "s" * 43)


def test_a_line_is_read_as_it_was_written() -> None:
    assert JoinLine.parse(f" {LINE.text}\n") == LINE


def test_a_line_is_one_word_for_the_shell() -> None:
    assert not set(LINE.text) & set(" \"'\\$`&|;<>()*?[]{}#!~=%")


@pytest.mark.parametrize("index", range(len(LINE.text)))
def test_a_line_with_any_other_character_is_refused(index: int) -> None:
    other = "0" if LINE.text[index] != "0" else "1"
    with pytest.raises(BadJoinLineError):
        JoinLine.parse(LINE.text[:index] + other + LINE.text[index + 1 :])


@pytest.mark.parametrize("index", range(len(LINE.text)))
def test_a_line_with_a_letter_of_another_alphabet_is_refused(index: int) -> None:
    with pytest.raises(BadJoinLineError):
        JoinLine.parse(LINE.text[:index] + "é" + LINE.text[index + 1 :])


@pytest.mark.parametrize("text", ["", LINE.text[:-1], LINE.text + "0", LINE.text * 2])
def test_an_incomplete_line_is_refused(text: str) -> None:
    with pytest.raises(BadJoinLineError) as raised:
        JoinLine.parse(text)
    assert "incomplete or altered" in raised.value.message
