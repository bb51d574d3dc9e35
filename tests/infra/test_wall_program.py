"""The program tools/wall: the rights of a program behind it."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tasktracker_cluster.site import Site

NOBODY = 65534
LONGEST_LOG = 10 * 2**20
PYTHON = str(Path("/usr/bin/python3").resolve())

# It calls unshare(CLONE_NEWUSER) through the 32-bit interface, where calls have other numbers.
OLD_INTERFACE = """
import ctypes, mmap
code = bytes.fromhex("b836010000" "bb00000010" "cd80" "c3")
memory = mmap.mmap(-1, len(code), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
memory.write(code)
call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
raise SystemExit(call() != 0)
"""


@pytest.fixture(autouse=True)
def as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can start a wall")


def behind(
    site: Site, *command: str, options: tuple[str, ...] = (), cwd: Path | str = "/"
) -> subprocess.CompletedProcess[str]:
    """Run a command as the user nobody, behind a wall."""
    return subprocess.run(
        [site.bin / "wall", "--user=nobody", *options, "--", *command],
        cwd=cwd,
        capture_output=True,
        text=True,
    )


def test_a_program_runs_as_the_user_without_any_privilege(site: Site) -> None:
    printed = behind(site, "/bin/cat", "/proc/self/status").stdout
    status = dict(line.split(":", 1) for line in printed.splitlines())
    assert status["Uid"].split() == status["Gid"].split() == [str(NOBODY)] * 4
    assert status["Groups"].split() == []
    for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb"):
        assert int(status[f"Cap{kind}"], 16) == 0, kind
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"  # a filter


def test_a_program_can_read_the_named_paths_only(site: Site, tmp_path: Path) -> None:
    _open_to_all(tmp_path)
    for name in ("named", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("precious")
    options = (f"--read={tmp_path}/named",)
    assert behind(site, "/bin/cat", f"{tmp_path}/named/file", options=options).stdout == "precious"
    for path in (f"{tmp_path}/other/file", "/etc/hostname", "/var/lib/dpkg/status"):
        refused = behind(site, "/bin/cat", path, options=options)
        assert "Permission denied" in refused.stderr, path


def test_a_program_can_write_the_named_paths_only(site: Site, tmp_path: Path) -> None:
    _open_to_all(tmp_path)
    for name in ("named", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o777)
    options = (f"--write={tmp_path}/named", f"--read={tmp_path}/other")
    assert behind(site, "/bin/touch", f"{tmp_path}/named/x", options=options).returncode == 0
    assert (tmp_path / "named" / "x").stat().st_mode & 0o077 == 0, "its files are private"
    for path in (f"{tmp_path}/other/x", "/tmp/x", "/dev/shm/x"):
        refused = behind(site, "/bin/touch", path, options=options)
        assert "Permission denied" in refused.stderr, path


def test_a_private_folder_is_closed_to_all_but_root_who_writes_and_the_user_who_reads(
    site: Site, tmp_path: Path
) -> None:
    _open_to_all(tmp_path)
    private = tmp_path / "private"
    private.mkdir(mode=0o755)
    (private / "key").write_text("precious")
    options = (f"--private={private}",)

    assert behind(site, "/bin/cat", f"{private}/key", options=options).stdout == "precious"
    (private / "key").write_text("a later one")
    assert behind(site, "/bin/cat", f"{private}/key", options=options).stdout == "a later one"
    refused = behind(site, "/bin/touch", f"{private}/x", options=options)
    assert "Permission denied" in refused.stderr

    folder = private.stat()
    assert (folder.st_uid, folder.st_gid, folder.st_mode & 0o777) == (0, NOBODY, 0o750)


@pytest.mark.parametrize("kind", ["a link", "missing"])
def test_a_private_folder_that_is_no_folder_starts_nothing(
    site: Site, tmp_path: Path, kind: str
) -> None:
    other = tmp_path / "other"
    other.mkdir(mode=0o755)
    if kind == "a link":
        (tmp_path / "private").symlink_to(other)

    refused = behind(site, "/bin/true", options=(f"--private={tmp_path}/private",))

    assert refused.returncode == 126
    assert "wall: --private: " in refused.stderr
    assert other.stat().st_mode & 0o777 == 0o755


def test_a_relative_name_works_below_folders_that_are_closed(site: Site, tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    for folder in (own, other):
        folder.mkdir()
        (folder / "file").write_text("precious")
    _open_to_all(own)
    own.parent.chmod(0o700)
    read = behind(site, "/bin/cat", "file", options=("--read=file",), cwd=own)
    assert read.stdout == "precious", read.stderr
    opened = behind(site, "/bin/cat", "/dev/fd/9", options=("--open=file",), cwd=own)
    assert opened.stdout == "precious", opened.stderr
    for path in ("../other/file", f"{own}/file"):
        refused = behind(site, "/bin/cat", path, options=("--read=file",), cwd=own)
        assert "Permission denied" in refused.stderr, path


RETRIES = "/proc/sys/net/ipv4/tcp_retries2"


def test_a_network_gives_up_unanswered_data_soon_and_the_machine_does_not(site: Site) -> None:
    before = Path(RETRIES).read_text()
    wall = (str(site.bin / "wall"), "--user=nobody", "--retries=3")

    inside = subprocess.run(
        ["unshare", "--net", *wall, "--", "/bin/cat", RETRIES], capture_output=True, text=True
    )

    assert (inside.stdout, inside.stderr) == ("3\n", "")
    assert Path(RETRIES).read_text() == before


def test_no_namespace_can_be_made(site: Site) -> None:
    for kind in ("--user", "--mount", "--net", "--pid"):
        assert "Operation not permitted" in behind(site, "/usr/bin/unshare", kind, "true").stderr


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="only this one has an older interface")
def test_no_namespace_can_be_made_by_the_older_interface(site: Site) -> None:
    without = subprocess.run(
        ["setpriv", "--reuid=nobody", "--clear-groups", PYTHON, "-c", OLD_INTERFACE]
    )
    assert without.returncode in (0, -signal.SIGSEGV)  # SIGSEGV if the kernel lacks the interface
    assert behind(site, PYTHON, "-c", OLD_INTERFACE).returncode == -signal.SIGSYS


def test_no_process_outside_can_be_read_or_signalled(site: Site) -> None:
    with subprocess.Popen(
        ["setpriv", "--reuid=nobody", "--clear-groups", "sleep", "60"], text=True
    ) as other:
        try:
            refused = behind(site, "/bin/cat", f"/proc/{other.pid}/environ")
            assert "Permission denied" in refused.stderr
            assert behind(site, "/bin/kill", str(other.pid)).returncode != 0
            assert other.poll() is None
        finally:
            other.kill()


def test_the_program_has_the_process_id_of_the_wall(site: Site) -> None:
    script = "trap 'exit 7' TERM; echo $$; while :; do sleep 0.1; done"
    command = [str(site.bin / "wall"), "--user=nobody", "--", "/bin/sh", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        assert int(program.stdout.readline()) == program.pid
        program.terminate()
        assert program.wait() == 7


def test_the_output_of_each_start_is_appended_to_the_files_of_a_log(
    site: Site, tmp_path: Path
) -> None:
    options = (f"--log={tmp_path}/migrate",)
    for word in ("first", "second"):
        script = f"echo {word}; echo {word} error >&2"
        started = behind(site, "/bin/sh", "-c", script, options=options)
        assert (started.returncode, started.stdout, started.stderr) == (0, "", "")

    log = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert log == {
        "migrate.stdout.0": "first\nsecond\n",
        "migrate.stderr.0": "first error\nsecond error\n",
    }
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_the_log_has_the_reason_why_the_wall_does_not_start_a_program(
    site: Site, tmp_path: Path
) -> None:
    options = ("--read=/nowhere", f"--log={tmp_path}/migrate")
    assert behind(site, "/bin/true", options=options).returncode == 126
    assert "/nowhere" in (tmp_path / "migrate.stderr.0").read_text()


def test_a_log_ends_at_10_mib_and_its_program_goes_on(site: Site, tmp_path: Path) -> None:
    options = (f"--log={tmp_path}/envoy",)
    script = "head -c 20M /dev/zero; echo the program goes on >&2; exit 7"

    assert behind(site, "/bin/sh", "-c", script, options=options).returncode == 7

    assert (tmp_path / "envoy.stdout.0").stat().st_size == LONGEST_LOG
    assert "the program goes on" in (tmp_path / "envoy.stderr.0").read_text()


def test_a_start_with_a_full_log_begins_another_and_keeps_one(site: Site, tmp_path: Path) -> None:
    options = (f"--log={tmp_path}/envoy",)
    script = "head -c 20M /dev/zero"
    for number in range(3):
        behind(site, "/bin/sh", "-c", script, options=options)
        kept = {f"envoy.stdout.{n}" for n in range(max(0, number - 1), number + 1)}
        full = [path for path in tmp_path.iterdir() if path.stat().st_size == LONGEST_LOG]
        assert {path.name for path in full} == kept
    behind(site, "/bin/echo", "a short line", options=options)
    behind(site, "/bin/echo", "another", options=options)

    assert (tmp_path / "envoy.stdout.3").read_text() == "a short line\nanother\n"
    assert {path.name for path in tmp_path.iterdir()} == {
        "envoy.stdout.2", "envoy.stdout.3", "envoy.stderr.0"
    }  # fmt: skip


def test_the_logs_of_other_tasks_and_other_files_are_left_alone(site: Site, tmp_path: Path) -> None:
    others = {"envoy.stdout.0": "x" * LONGEST_LOG, "envoy.stdout.old": "", "envoy-2.stdout.7": "",
              "envoy.stdout.-1": "", "envoy.stdout": ""}  # fmt: skip
    for name, text in others.items():
        (tmp_path / name).write_text(text)
    behind(site, "/bin/echo", "a line", options=(f"--log={tmp_path}/envoy",))
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == {**others, "envoy.stdout.1": "a line\n", "envoy.stderr.0": ""}


def test_a_log_does_not_limit_the_data_of_a_program_that_writes_files(
    site: Site, tmp_path: Path
) -> None:
    _open_to_all(tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o777)
    options = (f"--log={tmp_path}/prepare", f"--write={data}")
    script = f"head -c 20M /dev/zero > {data}/rows"

    assert behind(site, "/bin/sh", "-c", script, options=options).returncode == 0

    assert (data / "rows").stat().st_size == 2 * LONGEST_LOG


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--user=root", "--", "/bin/true"), "the wall cannot limit root"),
        (("--user=nobody-of-that-name", "--", "/bin/true"), "unknown user"),
        (("--user=nobody", "--read=/nowhere", "--", "/bin/true"), "/nowhere"),
        (("--user=nobody", "--open=/nowhere", "--", "/bin/true"), "/nowhere"),
        (("--user=nobody", "--log=/nowhere/app", "--", "/bin/true"), "/nowhere/app"),
        (("--user=nobody", "--retries=-1", "--", "/bin/true"), "--retries -1"),
        (("--user=nobody", "--", "true"), "absolute path"),
        (("--user=nobody",), "absolute path"),
        (("--user=nobody", "--", "/bin/nothing-of-that-name"), "cannot be executed"),
    ],
)
def test_a_wrong_call_fails_with_the_reason(
    site: Site, options: tuple[str, ...], message: str
) -> None:
    result = subprocess.run([site.bin / "wall", *options], capture_output=True, text=True)
    assert result.returncode == 126
    assert message in result.stderr


def _open_to_all(folder: Path) -> None:
    """Open a folder and its parents, which pytest makes private, to all users."""
    for parent in (folder, *folder.parents[:-2]):
        parent.chmod(parent.stat().st_mode | 0o055)
