"""Files of tasks: which rows are read, and which faults are named."""

import json
from datetime import datetime
from typing import Any

import pytest

from tasktracker_cli.errors import UsageError
from tasktracker_cli.transfer.parsers import FileFormat, format_of
from tasktracker_cli.transfer.rows import InvalidFileError, read

JSON, NDJSON, CSV = FileFormat
FULL = {
    "title": 'Water, the "plants"',
    "description": "two\nlines",
    "status": "done",
    "priority": "high",
    "due_date": "2030-01-31T22:59:59+00:00",
}
OF_THE_SERVER = {"id": 7, "owner_id": 1, "created_at": "x", "updated_at": None}


def faults(content: str | bytes, format_: FileFormat) -> list[str]:
    raw = content if isinstance(content, bytes) else content.encode()
    with pytest.raises(InvalidFileError) as invalid:
        read("tasks", raw, format_)
    return invalid.value.faults


def fields(content: str, format_: FileFormat) -> list[Any]:
    return [dict(row.fields) for row in read("tasks", content.encode(), format_)]


def test_every_format_says_the_same() -> None:
    task = FULL | OF_THE_SERVER | {"is_completed": True}
    table = (
        "id,title,description,status,priority,is_completed,due_date\r\n"
        '7,"Water, the ""plants""","two\nlines",done,high,true,2030-01-31T22:59:59Z\r\n'
    )
    read_back = [
        fields(json.dumps([task], indent=2), JSON),
        fields(json.dumps(task) + "\n", NDJSON),
        fields(table, CSV),
    ]
    for [row] in read_back:
        due = datetime.fromisoformat(row.pop("due_date"))
        assert due == datetime.fromisoformat(FULL["due_date"])
        assert row == {name: value for name, value in FULL.items() if name != "due_date"}


def test_what_is_not_given_is_left_to_the_server() -> None:
    assert fields('[{"title": " a ", "description": null, "due_date": null}]', JSON) == [
        {"title": "a"}
    ]
    assert fields("title,description,due_date\na,,\n", CSV) == [{"title": "a"}]


def test_rows_know_their_number_and_line() -> None:
    def places(content: str, format_: FileFormat) -> list[tuple[int, int]]:
        return [(row.number, row.line) for row in read("tasks", content.encode(), format_)]

    assert places('[\n{"title":\n"a"},\n\n {"title": "b"}]\n', JSON) == [(1, 2), (2, 5)]
    assert places('\n{"title": "a"}\r\n\n{"title": "b"}', NDJSON) == [(1, 2), (2, 4)]
    assert places('title,description\n\na,"x\ny"\nb,\n', CSV) == [(1, 3), (2, 5)]


@pytest.mark.parametrize(
    ("content", "format_"), [("[]", JSON), (" [ ] \n", JSON), ("", NDJSON), ("title\n", CSV)]
)
def test_a_file_without_tasks_is_right(content: str, format_: FileFormat) -> None:
    assert fields(content, format_) == []


def test_a_spreadsheets_ways_are_understood() -> None:
    assert fields("\ufeffTitle;Is_Completed\r\na;TRUE\r\nb;FALSE\r\n", CSV) == [
        {"title": "a", "is_completed": True},
        {"title": "b", "is_completed": False},
    ]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({}, "the title is missing"),
        ({"title": "  "}, "the title is empty"),
        ({"title": 5}, "title is not text"),
        ({"title": "x" * 256}, "title has 256 characters, 255 are the most"),
        ({"title": "a\x00"}, "not text"),
        ({"title": "\ud800"}, "not text"),
        ({"title": "a", "description": "x" * 10_001}, "10,001 characters"),
        ({"title": "a", "status": "finished"}, "one of todo, in_progress, done"),
        ({"title": "a", "priority": None}, "one of low, medium, high"),
        ({"title": "a", "due_date": "tomorrow"}, "not a date like"),
        ({"title": "a", "due_date": 20300131}, "not a date like"),
        ({"title": "a", "is_completed": "maybe"}, "not true or false"),
        ({"title": "a", "is_completed": True, "status": "todo"}, "contradicts"),
        ({"title": "a", "owner": "ada"}, "there is no field 'owner'; there are title"),
        ([], "not an object"),
        (None, "not an object"),
    ],
)
def test_a_row_that_is_wrong_is_named_by_its_line(row: Any, fault: str) -> None:
    [found] = faults('{"title": "good"}\n' + json.dumps(row), NDJSON)
    assert found.startswith("line 2: ")
    assert fault in found


@pytest.mark.parametrize(
    ("content", "format_", "fault"),
    [
        ("", JSON, "line 1: a JSON array of tasks is expected"),
        ('{"title": "a"}', JSON, "line 1: a JSON array"),
        ('[\n{"title": "a"}\n{"title": "b"}]', JSON, "line 3: after a task a comma or ]"),
        ('[{"title": "a"},\n\n{"title" "b"}]', JSON, "line 3: not JSON: Expecting ':'"),
        ('[{"title": "a"},\n]', JSON, "line 2: not JSON"),
        ("[]\n\n[]", JSON, "line 3: there is more after the array"),
        ("[" + "[" * 100_000, JSON, "line 1: not a task: too deep"),
        ('{"title": "a"}\n{', NDJSON, "line 2: not JSON"),
        ('{"title": "a"} {"title": "b"}', NDJSON, "line 1: there is more than one"),
        ("title,title\na,b\n", CSV, "line 1: a column is there twice"),
        ("title\na,b\n", CSV, "line 2: more cells than columns"),
        ('title\n"a\n', CSV, "not CSV"),
        ('[{"title": "a"}, {"title": ""}]', JSON, "task 2, line 1: the title is empty"),
        ("name\na\n", CSV, "line 2: the title is missing"),
        (b'{"title": "a"}\n{"title": "\xff"}', NDJSON, "line 2: not text in UTF-8"),
    ],
)
def test_a_file_that_is_broken_says_where(
    content: str | bytes, format_: FileFormat, fault: str
) -> None:
    assert fault in faults(content, format_)[-1]


def test_all_faults_are_found_and_twenty_are_told() -> None:
    told = faults('{"title": ""}\n' * 25, NDJSON)
    assert [fault.partition(":")[0] for fault in told[:20]] == [f"line {n}" for n in range(1, 21)]
    assert told[20:] == ["... and 5 more"]


def test_a_files_name_says_its_format() -> None:
    assert format_of("a.JSON", None) is JSON
    assert format_of("a.jsonl", None) is NDJSON
    assert format_of("a.txt", CSV) is CSV
    for name in ("-", "a", "a.txt"):
        with pytest.raises(UsageError, match="not clear"):
            format_of(name, None)
