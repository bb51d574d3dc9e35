"""jobs.tasks: the wall of a task, for another program."""

from pathlib import Path

from tasktracker_cluster.jobs.tasks import wall
from tasktracker_cluster.site import Site


def test_another_program_gets_the_wall_of_a_task_but_not_its_log(tmp_path: Path) -> None:
    task = {
        "Name": "migrate",
        "Config": {
            "command": "${meta.tasktracker.home}/bin/wall",
            "args": ["--user=somebody", "--log=logs/migrate", "--", "/bin/program", "--log=x"],
        },
    }

    words = wall(Site(tmp_path, tmp_path), {"TaskGroups": [{"Tasks": [task]}]}, "migrate")

    assert words == (f"{tmp_path}/bin/wall", "--user=somebody", "--")
