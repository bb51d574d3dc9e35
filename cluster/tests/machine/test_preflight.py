"""machine.preflight: the conditions of `up`."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasktracker_cluster.errors import BadAddressError, BadHomeError, NoSpaceError, PortTakenError
from tasktracker_cluster.machine import preflight
from tasktracker_cluster.site import Site

NOT_ROOT = """
import os, sys
os.seteuid(65534)
from tasktracker_cluster.errors import NotRootError
from tasktracker_cluster.machine import preflight
try:
    preflight.must_be_root(sys.argv[1])
except NotRootError as error:
    print(error.message, error.hint)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
@pytest.mark.parametrize(
    ("command", "program"),
    [("up", "./just up"), ("node drain", ".venv/bin/tasktracker-cli admin node drain")],
)
def test_without_root_the_hint_is_the_command_with_sudo(command: str, program: str) -> None:
    # In a process of its own: the test's own user stays what it is.
    done = subprocess.run(
        [sys.executable, "-c", NOT_ROOT, command],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"`{command}` needs root. Run it as: sudo {program}\n"


@pytest.mark.parametrize("home", ["/var/lib/tasktracker", "/tmp/tt-1.2_3/state", "/" + 30 * "x"])
def test_a_usable_home_is_accepted(home: str) -> None:
    preflight.must_have_a_usable_home(Site(Path(home), Path("/")))


@pytest.mark.parametrize("home", ["/" + 31 * "x", "/var/my state", "/var/$state", "/var/a'b"])
def test_an_unusable_home_is_refused_with_the_variable_to_set(home: str) -> None:
    with pytest.raises(BadHomeError, match=r"must have at most 31 characters") as raised:
        preflight.must_have_a_usable_home(Site(Path(home), Path("/")))
    assert "TASKTRACKER_HOME" in raised.value.hint


def test_a_full_disk_is_refused_with_how_much_is_free() -> None:
    full = Site(Path("/proc"), Path("/"))  # a file system without any space
    with pytest.raises(NoSpaceError, match=r"/proc has 0\.0 GiB of free space; two are needed"):
        preflight.must_have_space(full)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_a_taken_port_is_refused_with_the_name_of_its_program(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(PortTakenError) as raised:
        preflight.must_be_free("127.0.0.1", port, "the gateway", "Stop it.")
    assert raised.value.message.startswith(f"Port {port} (the gateway) cannot be used: ")
    assert f"(process {os.getpid()})" in raised.value.message
    assert raised.value.hint == "Stop it."


def test_a_port_of_another_address_is_free(listener: socket.socket) -> None:
    preflight.must_be_free("127.0.0.2", listener.getsockname()[1], "the gateway", "Stop it.")


def test_an_address_that_the_machine_has_lost_is_named() -> None:
    with pytest.raises(BadAddressError, match=r"does not have the address 192\.0\.2\.1 now"):
        preflight.must_be_free("192.0.2.1", 4647, "Nomad's servers", "Stop that program.")


def test_a_port_that_was_just_in_use_is_free(listener: socket.socket) -> None:
    address = listener.getsockname()
    with socket.create_connection(address) as client:
        accepted, _ = listener.accept()
        accepted.close()  # this side closes first, and so the kernel keeps the connection a while
        assert client.recv(1) == b""
    listener.close()
    preflight.must_be_free(address[0], address[1], "the gateway", "Stop it.")
