"""machine.network: the node's address is there for this machine, and for no neighbour."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasktracker_cluster.machine import network, shell
from tasktracker_cluster.testing.namespaces import entered

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes interfaces")

OWN, LINK = "10.98.7.1", "eth0"
PORT = 4318


@pytest.fixture
def neighbours() -> Iterator[list[Path]]:
    """Give the networks of two machines. The second one has a route to the first one's address."""
    names = [f"tt-network-{os.getpid()}-{each}" for each in ("own", "other")]
    own, other = names
    try:
        for name in names:
            shell.run(["ip", "netns", "add", name])
            shell.run(["ip", "-n", name, "link", "set", "lo", "up"])
        shell.run(["ip", "link", "add", LINK, "netns", own, "type", "veth",
                   "peer", "name", LINK, "netns", other])  # fmt: skip
        for number, name in enumerate(names, 1):
            address = f"10.98.7.{number}/24"
            shell.run(["ip", "-n", name, "address", "add", address, "dev", LINK])
            shell.run(["ip", "-n", name, "link", "set", LINK, "up"])
        shell.run(["ip", "-n", other, "route", "add", network.NODE_ADDRESS, "via", OWN])
        yield [Path("/run/netns", name) for name in names]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def reaches(host: str) -> bool:
    try:
        socket.create_connection((host, PORT), timeout=1).close()
    except TimeoutError:
        return False
    return True


def test_a_neighbour_with_a_route_does_not_reach_the_address(neighbours: list[Path]) -> None:
    own, other = neighbours
    with entered(own):
        network.create_address()
        network.create_address()  # as each `up` does
        listener = socket.create_server(("", PORT))
    with listener:
        with entered(other):
            assert reaches(OWN)
            assert not reaches(network.NODE_HOST)
        with entered(own):
            assert reaches(network.NODE_HOST)
            network.remove_interfaces()
            assert "TASKTRACKER" not in shell.run(["iptables", "--table", "raw", "--list-rules"])
            shell.run(["ip", "address", "add", network.NODE_ADDRESS, "dev", LINK])
        with entered(other):
            assert reaches(network.NODE_HOST), "without the rules nothing keeps it away"


def test_iptables_is_found_without_the_systems_folders_in_path(
    neighbours: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = ["iptables", "--table", "raw", "--list-rules"]
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # as after `su` without `-`
    with entered(neighbours[0]):
        network.create_address()
        assert "TASKTRACKER" in shell.run(rules)
        network.remove_interfaces()
        assert "TASKTRACKER" not in shell.run(rules)


def test_the_address_is_closed_after_each_step_of_another_up(
    neighbours: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, seen = "iptables --table raw --list-rules TASKTRACKER | wc -l", tmp_path / "seen"
    for name in ("iptables", "iptables-restore"):
        real = shutil.which(name, path=shell.path())
        step = tmp_path / name
        counted = f"PATH={shell.path()}; {count} >> {seen}"
        step.write_text(f'#!/bin/sh\n{real} "$@"; code=$?; {counted}; exit $code\n')
        step.chmod(0o755)
    with entered(neighbours[0]):
        network.create_address()
        complete = shell.run(["sh", "-c", count])
        monkeypatch.setenv("PATH", f"{tmp_path}:{shell.path()}")
        network.create_address()
    assert set(seen.read_text().split()) == {complete.strip()}


def test_interfaces_are_removed_where_iptables_was_never_installed(
    neighbours: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = shutil.which("ip")
    assert program
    (tmp_path / "ip").symlink_to(program)
    with entered(neighbours[0]):
        shell.run(["ip", "link", "add", network.NODE_INTERFACE, "type", "bridge"])
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr(shell, "SYSTEM_FOLDERS", ())
        network.remove_interfaces()
        assert network.NODE_INTERFACE not in shell.run(["ip", "-oneline", "link"])
