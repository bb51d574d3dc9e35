"""The operator's tables and figures, without a cluster."""

from dataclasses import asdict

import pytest
from rich.console import Console

from tasktracker_cluster.commands import health, top, users
from tasktracker_cluster.commands.options import ReportCommand
from tasktracker_cluster.commands.tables import Cell, fraction, table, with_nodes
from tasktracker_cluster.monitoring.status import Row

HEADINGS = ("NAME", "COUNT", "STATE")
ROWS: list[list[Cell]] = [["a", 1, ("well", "green")], ["tab\there", None, ("bad", "red")]]


def test_a_pipe_gets_tabs_between_whole_values() -> None:
    lines = list(table(HEADINGS, ROWS, terminal=False))
    assert lines == ["NAME\tCOUNT\tSTATE", "a\t1\twell", "tab\\there\t-\tbad"]


def test_a_terminal_gets_columns_that_line_up() -> None:
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        console.print(*table(HEADINGS, ROWS, terminal=True))
    lines = capture.get().splitlines()
    assert [line.split() for line in lines[1:]] == [["a", "1", "well"], [r"tab\there", "-", "bad"]]
    assert (
        len({line.index(word) for line, word in zip(lines, ("STATE", "well", "bad"), strict=True)})
        == 1
    )


def test_a_narrow_terminal_gets_every_name_whole() -> None:
    names = ("user-db", "user-service")
    rows: list[list[Cell]] = [["job", name, "running", "1/1", "passing"] for name in names]
    console = Console(width=34, color_system=None)
    with console.capture() as capture:
        console.print(*table(health.HEADINGS, rows, terminal=True))
    shown = capture.get()
    assert max(map(len, shown.splitlines())) <= 34
    assert "…" not in shown
    column = "".join(line[6:12].strip() for line in shown.splitlines())
    assert column == "".join(("NAME", *names)), shown


def test_a_table_without_rows_is_nothing() -> None:
    assert list(table(HEADINGS, [], terminal=False)) == []


@pytest.mark.parametrize(
    ("nodes", "column"),
    [
        ([["one"], ["one", "one"]], None),
        ([["one"], []], None),
        ([["one"], ["one", "two"]], ["NODES", "one", "one two"]),
        ([[], ["one", "two"]], ["NODES", "-", "one two"]),
    ],
)
def test_only_a_table_of_several_nodes_says_where_each_row_is(
    nodes: list[list[str]], column: list[str] | None
) -> None:
    lines = [str(line).split("\t") for line in with_nodes(HEADINGS, ROWS, nodes, terminal=False)]
    if column is None:
        assert lines[0] == list(HEADINGS)
    else:
        assert [line[-1] for line in lines] == column


@pytest.mark.parametrize(
    "command", [health.StatusCommand, health.DoctorCommand, top.TopCommand, users.UsersCommand]
)
def test_quiet_prints_an_existing_field(command: type[ReportCommand]) -> None:
    assert command.key in command.fields


def test_instances_are_numbers_for_programs() -> None:
    row = asdict(Row("job", "portal", "running", 1, 2, "passing"))
    assert (row["running"], row["wanted"]) == (1, 2)
    assert fraction(row["running"], row["wanted"]) == "1/2"
    assert fraction(2, None) == "2"
    assert fraction(None, 2) is None
