"""backups.restic: the real program, with a store in a folder."""

import json
import os
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasktracker_cluster.backups import restic
from tasktracker_cluster.backups.restic import Store
from tasktracker_cluster.errors import (
    BadPlaceError,
    CommandError,
    DamagedCopyError,
    NoCopyError,
    WrongKeyError,
)

TEXT = "what a database has " * 1000


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    file.write_text("a key\n")
    return file


@pytest.fixture
def store(tmp_path: Path, key: Path) -> Store:
    store = Store(str(tmp_path / "store"), key)
    store.create()
    return store


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "file").write_text(TEXT)
    return folder


def test_a_copy_is_restored_with_its_content(store: Store, source: Path, tmp_path: Path) -> None:
    name = store.add([source])
    (copy,) = store.copies()
    assert (copy.name, copy.folders) == (name, (source,))
    assert abs(datetime.now(UTC) - copy.time) < timedelta(minutes=10)
    assert store.size(copy) == len(TEXT)
    store.restore(copy, tmp_path / "restored")
    assert (tmp_path / "restored" / source.relative_to("/") / "file").read_text() == TEXT


def test_of_two_copies_of_one_second_the_later_one_is_the_newest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = ("2026-11-28T15:00:00.123456789+01:00", "2026-11-28T15:00:00.9+01:00")
    listed = [{"short_id": time[20:22], "time": time, "paths": []} for time in times]
    monkeypatch.setattr(Store, "_run", lambda *_: json.dumps(listed))
    newest, before = store.copies()
    assert (newest.name, before.name) == ("9+", "12")
    assert newest.time == datetime(2026, 11, 28, 14, 0, 0, 900000, UTC)


def test_nothing_of_a_copy_can_be_read_without_its_key(store: Store, source: Path) -> None:
    store.add([source])
    files = [file for file in Path(store.place).rglob("*") if file.is_file()]
    assert files
    assert not any(b"what a database has" in file.read_bytes() for file in files)
    assert not any(b"source" in file.read_bytes() for file in files)


def test_another_key_opens_nothing(store: Store, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("another key\n")
    other = Store(store.place, tmp_path / "other")
    for call in (other.is_there, other.copies, other.check):
        with pytest.raises(WrongKeyError):
            call()


def test_a_place_without_a_store_is_no_store(tmp_path: Path, key: Path, source: Path) -> None:
    empty = Store(str(tmp_path / "empty"), key)
    assert not empty.is_there()
    with pytest.raises(NoCopyError):
        empty.add([source])
    assert not (tmp_path / "empty").exists()


@pytest.mark.drill  # restic tries again for long before it gives a file up
def test_what_is_missing_or_changed_in_a_store_is_found(store: Store, source: Path) -> None:
    store.add([source])
    store.check(all_data=True)
    packs = [file for file in (Path(store.place) / "data").rglob("*") if file.is_file()]
    pack = max(packs, key=lambda file: file.stat().st_size)
    content = pack.read_bytes()
    pack.chmod(0o600)
    pack.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    with pytest.raises(DamagedCopyError):
        store.check(all_data=True)
    pack.unlink()
    with pytest.raises(DamagedCopyError):
        store.check()


def test_a_copy_of_what_is_not_there_fails(store: Store, tmp_path: Path) -> None:
    with pytest.raises(CommandError):
        store.add([tmp_path / "nothing"])


def test_old_copies_are_deleted_and_the_newest_stay(store: Store, source: Path) -> None:
    old = [_old(store, source, days) for days in (400, 300, 200)]
    new = [store.add([source]) for _ in range(4)]
    store.forget()
    kept = {each.name for each in store.copies()}
    assert kept <= set(new)
    assert len(kept) == 3
    assert not kept & set(old)
    store.check(all_data=True)


def _old(store: Store, source: Path, days: int) -> str:
    time = datetime.now() - timedelta(days=days)  # noqa: DTZ005  # restic reads local time
    printed = subprocess.run(
        ["restic", "--repo", store.place, "--password-file", store.key, "--no-cache", "--quiet",
         "backup", "--json", "--host=tasktracker", f"--time={time:%Y-%m-%d %H:%M:%S}", source],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return str(json.loads(printed.splitlines()[-1])["snapshot_id"])[:8]


def test_a_killed_copy_does_not_hinder_the_next_one(store: Store, source: Path) -> None:
    killed = subprocess.Popen(
        ["restic", "--repo", store.place, "--password-file", store.key, "--no-cache", "backup",
         "--stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    locks = Path(store.place) / "locks"
    deadline = datetime.now(UTC) + timedelta(seconds=60)
    while not any(locks.iterdir()):
        assert datetime.now(UTC) < deadline, "restic made no lock"
        assert killed.poll() is None
    killed.kill()
    killed.communicate()
    assert any(locks.iterdir())
    store.add([source])
    store.forget()  # it needs the store for itself
    store.check(all_data=True)


def test_a_server_that_does_not_answer_is_given_up(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = [word.replace("Timeout=30", "Timeout=1") for word in restic.SSH]
    assert soon != list(restic.SSH)
    monkeypatch.setattr(restic, "SSH", soon)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"sftp://nobody@127.0.0.1:{silent.getsockname()[1]}//srv"
        with pytest.raises(CommandError) as raised:
            Store(place, key).is_there()
    # restic may end before it has printed what ssh said.
    assert "unable to start the sftp session" in raised.value.evidence[-1]


@pytest.mark.parametrize(
    ("place", "server"),
    [
        ("sftp:backup@other:/srv", "backup@other"),
        ("sftp:other:/srv", "other"),
        ("sftp://backup@other:2222//srv", "ssh://backup@other:2222"),
        ("sftp://backup@[::1]:2222//srv", "ssh://backup@[::1]:2222"),
    ],
)
def test_ssh_notices_a_server_that_vanishes_and_asks_nobody(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch, place: str, server: str
) -> None:
    (tmp_path / "ssh").write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" >{tmp_path}/words\nexit 255\n")
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(CommandError):
        Store(place, key).is_there()
    words = (tmp_path / "words").read_text().splitlines()
    assert words == [*restic.SSH[1:], "-s", "--", server, "sftp"]
    assert {"-oBatchMode=yes", "-oServerAliveInterval=15", "-oServerAliveCountMax=4"} <= set(words)


def test_a_place_is_a_folder_or_a_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert restic.place("copies") == str(tmp_path / "copies")
    assert restic.place("/mnt/copies") == "/mnt/copies"
    assert restic.place("sftp:backup@other:/srv") == "sftp:backup@other:/srv"
    with pytest.raises(BadPlaceError):
        restic.place("s3:bucket")
