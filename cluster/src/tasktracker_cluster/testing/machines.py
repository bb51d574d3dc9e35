"""Three machines and a client for tests: network namespaces on one bridge.

Each machine has a state folder of its own, and is driven by the same commands as a real one. They
share the kernel, the disk, the system users and the clock. Everything is deleted at the end.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tasktracker_cluster.machine import shell
from tasktracker_cluster.site import Site
from tasktracker_cluster.testing.namespaces import entered
from tasktracker_cluster.testing.throwaway import PROGRAM, ThrowawayCluster
from tasktracker_cluster.topology import GATEWAY_PORT

NETWORK = "10.77.0"
EVERY_ADDRESS = "0.0.0.0"  # nosec B104 - of a namespace
LINK = "eth0"


@dataclass(frozen=True)
class Machine(ThrowawayCluster):
    """A machine of a laboratory. `name` is its name in the cluster when they join in order."""

    namespace: Path
    address: str
    name: str

    @property
    def site(self) -> Site:
        return replace(super().site, bind=EVERY_ADDRESS)

    @property
    def prefix(self) -> tuple[str, ...]:
        # Not `ip netns exec`: it makes a mount namespace of its own, where Nomad finds no network.
        return ("nsenter", f"--net={self.namespace}", "--")

    def environment(self, **variables: str) -> dict[str, str]:
        return super().environment(**{"TASKTRACKER_BIND": EVERY_ADDRESS, **variables})

    @property
    def gateway_url(self) -> str:
        """The gateway of this machine, for the client."""
        return f"http://{self.address}:{GATEWAY_PORT}"

    def inside(self) -> AbstractContextManager[None]:
        """Move this thread to the machine's network: loopback is the machine's then."""
        return entered(self.namespace)

    def allocation(self, job: str) -> dict[str, Any]:
        """Return the allocation of a job on this machine. Raises ValueError unless there is one."""
        with self.inside():
            (mine,) = [each for each in self.allocations(job) if each["NodeName"] == self.name]
        return mine

    def invite(self) -> str:
        """Return a join line."""
        return self.admin("invite").stdout.strip()

    def lose_power(self) -> None:
        """Cut the machine off, then kill it: no connection is reset. `heal` connects it again."""
        self.cut()
        with self.inside():  # its interfaces
            super().lose_power()

    def cut(self) -> None:
        """Cut the machine off from the others and from the client."""
        self.ip("link", "set", LINK, "down")

    def heal(self) -> None:
        """Connect the machine again."""
        self.ip("link", "set", LINK, "up")

    def ip(self, *words: str) -> None:
        """Run `ip` inside the machine."""
        shell.run(["ip", "-n", self.namespace.name, *words])


@dataclass(frozen=True)
class Laboratory:
    """Three machines and a client."""

    machines: tuple[Machine, Machine, Machine]
    client_namespace: Path

    def client(self) -> AbstractContextManager[None]:
        """Move this thread to the client's network."""
        return entered(self.client_namespace)

    def grow(self) -> None:
        """Start the first machine, and let the others join."""
        first, *others = self.machines
        first.admin("up", "--advertise", first.address)
        for machine in others:
            machine.admin("join", first.invite())


@contextmanager
def three_machines() -> Iterator[Laboratory]:
    """Install three machines. Nothing runs on them yet."""
    assert os.geteuid() == 0, "a cluster needs root"
    folder = Path(tempfile.mkdtemp(prefix="tt-", dir="/tmp"))
    folder.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        names = [f"{folder.name}-{n}" for n in range(5)]
        stack.enter_context(_network(names))
        homes = [folder / f"m{n}" / "s" for n in (1, 2, 3)]
        machines = [
            Machine(home, Path("/run/netns", names[n]), f"{NETWORK}.{n}", f"node-{n}")
            for n, home in enumerate(homes, 1)
        ]
        for machine in machines:
            machine.home.parent.mkdir()
            stack.callback(_end, machine)
            install(machine, *([] if machine is machines[0] else ["--joining"]))
        one, two, three = machines
        yield Laboratory((one, two, three), Path("/run/netns", names[4]))


def install(machine: Machine, *flags: str) -> None:
    """Run `install` with these flags: what comes from a network is here after it."""
    # Outside of the namespace, which cannot reach a package registry.
    result = subprocess.run(
        [PROGRAM, "admin", "install", *flags],
        env=machine.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def _end(machine: Machine) -> None:
    # Without its peers an agent would wait for a leader.
    machine.kill()
    machine.unmount()
    with machine.inside():
        machine.end()


@contextmanager
def _network(names: Sequence[str]) -> Iterator[None]:
    """Make the namespaces: the first one has the bridge, each other one an address on it."""
    switch, *hosts = names
    try:
        for name in names:
            shell.run(["ip", "netns", "add", name])
            shell.run(["ip", "-n", name, "link", "set", "lo", "up"])
        shell.run(["ip", "-n", switch, "link", "add", "lan", "type", "bridge"])
        shell.run(["ip", "-n", switch, "link", "set", "lan", "up"])
        for n, host in enumerate(hosts, 1):
            shell.run(["ip", "link", "add", LINK, "netns", host, "type", "veth",
                       "peer", "name", f"port{n}", "netns", switch])  # fmt: skip
            shell.run(["ip", "-n", switch, "link", "set", f"port{n}", "master", "lan", "up"])
            shell.run(["ip", "-n", host, "address", "add", f"{NETWORK}.{n}/24", "dev", LINK])
            shell.run(["ip", "-n", host, "link", "set", LINK, "up"])
        yield
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
