"""task import and task export as a process, at a fake gateway and at the real services."""

import json
import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.tests.conftest import PROBLEM, PROGRAM, TASK, Answer, Cli, FakeGateway
from tasktracker_cli.logins.credentials import Credentials, Login

# Enough for a kill in the middle. IMPORT_ROWS=10000 does the same, and takes ten times as long.
ROWS = int(os.environ.get("IMPORT_ROWS", "1000"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def written(folder: Path, *rows: Any, name: str = "tasks.ndjson") -> str:
    path = folder / name
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return str(path)


def posted(gateway: FakeGateway) -> list[str]:
    return [json.loads(request.body)["title"] for request in gateway.requests]


def test_an_import_says_what_it_made(cli: Cli, gateway: FakeGateway, folder: Path) -> None:
    replayed = Answer(201, TASK, {"Idempotent-Replayed": "true"})
    gateway.on("POST /tasks/", replayed, Answer(201, TASK))
    gateway.on("GET /tasks/7", Answer(body=TASK))
    file = written(folder, {"title": "a"}, {"title": "b"}, {"title": "c"})
    done = cli("task", "import", file)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "✓ Created 2 tasks; 1 there already.\n"
    gateway.requests = [request for request in gateway.requests if request.method == "POST"]
    assert posted(gateway) == ["a", "b", "c"]
    keys = [request.headers["idempotency-key"] for request in gateway.requests]
    assert sorted(key.rpartition("-")[2] for key in keys) == ["1", "2", "3"]


def test_the_result_is_there_for_programs(cli: Cli, gateway: FakeGateway, folder: Path) -> None:
    gateway.on("POST /tasks/", Answer(201, TASK))
    assert cli.json("task", "import", written(folder, {"title": "a"})) == {
        "rows": 1,
        "created": 1,
        "already_there": 0,
        "deleted_since": 0,
        "failed": 0,
        "failed_file": None,
    }


def test_nothing_is_sent_of_a_file_with_a_fault(
    cli: Cli, gateway: FakeGateway, folder: Path
) -> None:
    file = written(folder, {"title": "a"}, {"title": ""}, {"title": "b", "status": "odd"})
    done = cli("task", "import", file)
    assert done.returncode == 2
    assert "! line 2: the title is empty\n! line 3: status 'odd' is not one of" in done.stderr
    assert "has 2 faults: nothing was sent." in done.stderr
    assert gateway.requests == []


def test_a_dry_run_checks_and_sends_nothing(cli: Cli, gateway: FakeGateway, folder: Path) -> None:
    done = cli("task", "import", "--dry-run", written(folder, {"title": "a"}))
    assert done.returncode == 0
    assert "is right: 1 task. Nothing was sent." in done.stderr
    assert cli.json("task", "import", "--dry-run", written(folder, {"title": "a"}))["rows"] == 1
    assert gateway.requests == []


def test_standard_input_is_a_file_too(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /tasks/", Answer(201, TASK))
    done = cli("task", "import", "-", "--format", "csv", stdin="title,priority\nBüro,high\n")
    assert done.returncode == 0
    assert json.loads(gateway.requests[0].body) == {"title": "Büro", "priority": "high"}


@pytest.mark.parametrize("file", ["there/is/none.csv", "."])
def test_a_file_that_cannot_be_read_is_usage(cli: Cli, file: str) -> None:
    done = cli("task", "import", file, "--format", "csv")
    assert done.returncode == 2
    assert "cannot be read" in done.stderr


def test_rows_that_are_refused_are_kept_to_be_mended(
    cli: Cli, gateway: FakeGateway, folder: Path
) -> None:
    gateway.on("POST /tasks/", Answer(422, {"detail": "No."}, PROBLEM), Answer(201, TASK))
    file = written(folder, {"title": "only"})
    for name in ("tasks.failed.ndjson", "tasks.failed-2.ndjson"):
        gateway.on("POST /tasks/", Answer(422, {"detail": "No."}, PROBLEM))
        done = cli("task", "import", file)
        assert done.returncode == 1
        assert "line 1: No." in done.stderr
        assert f"import {folder / name}" in done.stderr
        assert json.loads((folder / name).read_text()) == {"title": "only"}


def test_rows_that_cannot_be_kept_are_told_all_the_same(
    cli: Cli, gateway: FakeGateway, folder: Path
) -> None:
    gateway.on("POST /tasks/", Answer(422, {"detail": "No."}, PROBLEM))
    name = "n" * 245  # so long that there is no room for what is added to it
    done = cli("task", "import", written(folder, {"title": "a"}, name=f"{name}.ndjson"))
    assert done.returncode == 1
    assert "line 1: No.\n✓ Created 0 tasks.\n" in done.stderr
    assert "cannot be written: File name too long." in done.stderr


def test_a_gateway_that_asks_to_wait_is_waited_for(
    cli: Cli, gateway: FakeGateway, folder: Path
) -> None:
    later = Answer(429, {"detail": "Slowly."}, {**PROBLEM, "Retry-After": "1"})
    gateway.on("POST /tasks/", later, Answer(201, TASK))
    assert cli("task", "import", written(folder, {"title": "a"})).returncode == 0
    assert len({request.headers["idempotency-key"] for request in gateway.requests}) == 1
    assert len(gateway.requests) == 2


def test_an_import_that_ends_early_says_how_to_go_on(
    cli: Cli, gateway: FakeGateway, folder: Path
) -> None:
    much_later = Answer(503, {"detail": "Closed."}, {**PROBLEM, "Retry-After": "3600"})
    gateway.on("POST /tasks/", much_later)
    done = cli("task", "import", written(folder, {"title": "a"}))
    assert done.returncode == 7
    assert "At least 0 of 1 task are there. Run the same again within 24 hours" in done.stderr


def test_ctrl_c_says_how_to_go_on(cli: Cli, gateway: FakeGateway, folder: Path) -> None:
    gateway.on("POST /tasks/", Answer(503, {}, {**PROBLEM, "Retry-After": "59"}))
    file = written(folder, {"title": "a"})
    running = subprocess.Popen(
        [PROGRAM, "task", "import", file], env=cli.env, stderr=subprocess.PIPE, encoding="utf-8"
    )
    while not gateway.requests:
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "Run the same again" in said
    assert "Traceback" not in said


def test_who_is_not_logged_in_is_told_before_anything(
    guest: Cli, gateway: FakeGateway, folder: Path
) -> None:
    done = guest("task", "import", written(folder, {"title": "a"}))
    assert done.returncode == 4
    assert gateway.requests == []


def test_an_import_renews_an_expired_login_once(
    cli: Cli, gateway: FakeGateway, folder: Path
) -> None:
    kept = Credentials(Path(cli.env["XDG_STATE_HOME"]) / "tasktracker")
    kept.save(gateway.url, Login("ada", "old-token", "refresh-token", expires_at=0.0))
    fresh = {"access_token": "new-token", "refresh_token": "another", "expires_in": 900}
    gateway.on("POST /auth/refresh", Answer(body=fresh))
    gateway.on("POST /tasks/", Answer(201, TASK))
    file = written(folder, *({"title": str(number)} for number in range(50)))
    assert cli("task", "import", file).returncode == 0
    renewals = [request for request in gateway.requests if "refresh" in request.path]
    tokens = {request.headers.get("authorization") for request in gateway.requests}
    assert len(renewals) == 1
    assert tokens == {None, "Bearer new-token"}


def test_tasks_deleted_since_an_import_are_told_and_made_again_on_request(
    user: Cli, folder: Path
) -> None:
    titles = [f"Task {number}" for number in range(5)]
    file = written(folder, *({"title": title} for title in titles))
    assert user("task", "import", file).returncode == 0
    made = user.json("task", "list", "--sort", "created_at")
    assert user("task", "delete", *(str(task["id"]) for task in made[:2]), "--yes").returncode == 0
    done = user("task", "import", file)
    assert done.returncode == 0
    said = "✓ Created 0 tasks; 3 there already; 2 made before and deleted since.\n"
    assert said in done.stderr
    assert "--again" in done.stderr
    for created in (2, 0):
        summary = json.loads(user("task", "import", file, "--again", "--json").stdout)
        assert (summary["created"], summary["deleted_since"]) == (created, 0)
    assert sorted(task["title"] for task in user.json("task", "list")) == titles


def test_an_import_keeps_the_files_order(user: Cli, folder: Path) -> None:
    titles = [f"Task {number}" for number in range(60)]
    assert user("task", "import", written(folder, *({"title": t} for t in titles))).returncode == 0
    listed = user.json("task", "list", "--all", "--sort", "created_at")
    assert [task["title"] for task in listed] == titles


def test_a_dry_run_of_an_import_asks_for_a_login(guest: Cli, folder: Path) -> None:
    assert guest("task", "import", "--dry-run", written(folder, {"title": "a"})).returncode == 4


def test_an_export_is_never_half_there(cli: Cli, gateway: FakeGateway, folder: Path) -> None:
    link = {"Link": '</api/v1/tasks/?cursor=c>; rel="next"'}
    gateway.on("GET /tasks/", Answer(body=[TASK], headers=link), Answer(503, b""))
    target = folder / "out.json"
    assert cli("task", "export", str(target)).returncode == 7
    assert list(folder.glob("*out*")) == list(folder.glob(".*out*")) == []


def test_an_export_replaces_nothing_unasked(cli: Cli, gateway: FakeGateway, folder: Path) -> None:
    gateway.on("GET /tasks/", Answer(body=[TASK]))
    target = folder / "out.json"
    target.write_text("mine")
    done = cli("task", "export", str(target))
    assert (done.returncode, target.read_text()) == (2, "mine")
    assert cli("task", "export", str(target), "--force").returncode == 0
    assert json.loads(target.read_text()) == [TASK]


def test_an_export_to_a_folder_that_is_not_there_is_one_sentence(
    cli: Cli, gateway: FakeGateway, folder: Path
) -> None:
    gateway.on("GET /tasks/", Answer(body=[TASK]))
    done = cli("task", "export", str(folder / "none" / "out.json"))
    assert done.returncode == 1
    assert "cannot be written" in done.stderr


def test_no_tasks_are_a_file_all_the_same(cli: Cli, gateway: FakeGateway, folder: Path) -> None:
    gateway.on("GET /tasks/", Answer(body=[]))
    assert cli("task", "export").stdout == "[]\n"
    assert cli("task", "export", "--format", "csv").stdout.startswith("id,title,description,")


def test_an_export_writes_where_a_link_leads_to(
    cli: Cli, gateway: FakeGateway, folder: Path
) -> None:
    gateway.on("GET /tasks/", Answer(body=[TASK]))
    target, link = folder / "target.json", folder / "link.json"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    assert cli("task", "export", str(link)).returncode == 2
    assert cli("task", "export", str(link), "--force").returncode == 0
    assert link.is_symlink()
    assert json.loads(target.read_text()) == [TASK]
    assert target.stat().st_mode & 0o777 == 0o640
    target.unlink()
    assert cli("task", "export", str(link)).returncode == 0
    assert link.is_symlink()
    assert json.loads(target.read_text()) == [TASK]


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_an_export_writes_to_a_pipe_and_leaves_it_there(
    cli: Cli, gateway: FakeGateway, folder: Path, force: list[str]
) -> None:
    gateway.on("GET /tasks/", Answer(body=[TASK]))
    pipe = folder / "pipe.json"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        done = cli("task", "export", str(pipe), *force)
        if not pipe.is_fifo():
            reader.kill()  # nobody will ever write to what it has opened
        assert (done.returncode, pipe.is_fifo()) == (0, True)
        assert json.loads(reader.communicate(timeout=30)[0]) == [TASK]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a device")
@pytest.mark.parametrize("force", [[], ["--force"]])
def test_an_export_leaves_a_device_a_device(
    cli: Cli, gateway: FakeGateway, folder: Path, force: list[str]
) -> None:
    gateway.on("GET /tasks/", Answer(body=[TASK]))
    device = folder / "null"
    os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))  # what /dev/null is
    assert cli("task", "export", str(device), "--format", "json", *force).returncode == 0
    assert device.is_char_device()


def test_an_export_to_the_standard_output_by_name_needs_no_force(
    cli: Cli, gateway: FakeGateway, folder: Path
) -> None:
    gateway.on("GET /tasks/", Answer(body=[TASK]))
    assert json.loads(cli("task", "export", "/dev/stdout").stdout) == [TASK]
    with (folder / "out").open("w") as out:
        arguments = [str(PROGRAM), "task", "export", "/dev/stdout"]
        assert subprocess.run(arguments, stdout=out, env=cli.env).returncode == 0
    assert json.loads((folder / "out").read_text()) == [TASK]


@pytest.mark.parametrize("ending", ["json", "ndjson", "csv"])
def test_what_is_exported_can_be_imported(user: Cli, folder: Path, ending: str) -> None:
    user.json("task", "create", '=1+1;\t"x" 😀', "--description", "two\nlines, # and\r\n\x1b")
    user.json("task", "create", "Done", "--status", "done", "--due", "2030-07-31")
    before = user.json("task", "list", "--sort", "created_at")
    file = str(folder / f"tasks.{ending}")
    done = user("task", "export", file)
    assert done.stderr == f"✓ Exported 2 tasks to {file}.\n"
    assert user("task", "delete", *(str(task["id"]) for task in before), "--yes").returncode == 0
    assert user.json("task", "import", file)["created"] == 2
    after = user.json("task", "list", "--sort", "-title")
    for old, new in zip(sorted(before, key=lambda task: task["title"]), after[::-1], strict=True):
        ours = {"title", "description", "status", "priority", "due_date", "is_completed"}
        assert {name: new[name] for name in ours} == {name: old[name] for name in ours}


@pytest.fixture
def api(user: Cli) -> Iterator[httpx.Client]:
    address = user.env["TASKTRACKER_URL"]
    login = Credentials(Path(user.env["XDG_STATE_HOME"]) / "tasktracker").load(address)
    assert login
    headers = {"Authorization": f"Bearer {login.access_token}"}
    with httpx.Client(base_url=f"{address}/api/v1", headers=headers, timeout=60) as client:
        yield client


@pytest.mark.drill
def test_an_import_killed_half_way_and_run_again_makes_each_task_once(
    user: Cli, api: httpx.Client, folder: Path
) -> None:
    titles = [f"Task {number}" for number in range(ROWS)]
    file = written(folder, *({"title": title, "priority": "low"} for title in titles))
    first = subprocess.Popen([PROGRAM, "task", "import", file], env=user.env)
    while (made := api.get("/tasks/stats").json()["total_tasks"]) < ROWS // 3:
        assert first.poll() is None
    first.kill()
    first.wait()
    assert made < ROWS
    second = [str(PROGRAM), "task", "import", file, "--json"]
    summary = json.loads(subprocess.run(second, env=user.env, capture_output=True).stdout)
    assert summary["already_there"] >= made
    assert summary["created"] + summary["already_there"] == ROWS
    assert api.get("/tasks/stats").json()["total_tasks"] == ROWS
    listed = user.json("task", "list", "--all", "--fields", "title")
    assert sorted(task["title"] for task in listed) == sorted(titles)
