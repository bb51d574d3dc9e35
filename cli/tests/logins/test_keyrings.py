"""Logins in the system's keyring, and what happens without one."""

import threading
from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend

from tasktracker_cli.logins.keyrings import Keyring

DESKTOP = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere"}


class Memory(KeyringBackend):
    """A keyring that answers, once `unlocked` is set."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # keyring has no type for it
        self.kept: dict[tuple[str, str], str] = {}
        self.unlocked = threading.Event()
        self.unlocked.set()

    def get_password(self, service: str, username: str) -> str | None:
        self.unlocked.wait(30)
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def memory() -> Iterator[Memory]:
    backend = Memory()
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    yield backend
    backend.unlocked.set()
    keyring.set_keyring(before)


def test_a_secret_is_kept_and_forgotten(memory: Memory) -> None:
    ours = Keyring(DESKTOP)
    assert ours.set("http://localhost:8000", "secret")
    assert ours.get("http://localhost:8000") == "secret"
    ours.delete("http://localhost:8000")
    assert ours.get("http://localhost:8000") is None


def test_a_keyring_that_does_not_answer_counts_as_none(memory: Memory) -> None:
    memory.unlocked.clear()
    ours = Keyring(DESKTOP, limit=0.1)
    assert not ours.set("name", "secret")
    assert ours.get("name") is None


def test_what_only_pretends_to_be_one_counts_as_none(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Memory, "priority", 0.5)
    assert not Keyring(DESKTOP).set("name", "secret")
    assert memory.kept == {}


def test_without_a_desktop_nobody_is_asked(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert not Keyring({}).set("name", "secret")
    assert memory.kept == {}
