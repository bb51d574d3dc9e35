"""commands.record_lines: a record of a log as a line."""

from datetime import UTC, datetime

import pytest

from tasktracker_cluster.commands import record_lines
from tasktracker_cluster.records.record import Origin, Record
from tasktracker_cluster.topology import ALL_MAIN_TASKS


@pytest.mark.parametrize(("service", "task"), ALL_MAIN_TASKS.items())
def test_the_main_task_of_a_job_needs_no_name(service: str, task: str) -> None:
    noon = datetime(2026, 11, 27, 12, tzinfo=UTC)

    def line(name: str) -> str:
        return record_lines.plain(Record(noon, Origin(service, name), "info", "hello", {}))

    assert line(task).endswith(f" {service} info hello")
    assert line("other").endswith(f" {service} info hello task=other")
