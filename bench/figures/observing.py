"""The cost of what `observe` adds: metrics, and traces of one of a hundred requests.

Both sides are the same requests through the gateway of one cluster, which observes itself or does
not. To turn that on or off takes longer than a load, so there are few rounds.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from bench import workload
from bench.figure import Better, Figure, Measure, Pair
from bench.figures.mesh import create_tasks
from bench.figures.reads import CONNECTIONS
from bench.wrk import Request, load
from tasktracker_cluster.site import GATEWAY_URL
from tasktracker_cluster.testing.throwaway import ThrowawayCluster

Command = tuple[str, ...]

OFF: Command = ("observe", "--off")
METRICS: Command = ("observe",)
TRACES: Command = ("observe", "--traces", "--sampling", "0.01")
SETTLE = 3  # seconds of a load that does not count, after each change
ROUNDS = 3
LEAST_SECONDS = 10  # metrics are asked each five


class Switch:
    """Whether a cluster observes itself: the last command."""

    def __init__(self, cluster: ThrowawayCluster) -> None:
        self._cluster = cluster
        self._last = OFF

    def turn(self, command: Command) -> bool:
        """Call the command, unless it was the last one. Return whether it was called."""
        changed = command != self._last
        if changed:
            self._cluster.admin(*command)
            self._last = command
        return changed


@contextmanager
def observed(cluster: ThrowawayCluster, path: str, command: Command) -> Iterator[Pair]:
    """Request a path through the gateway after this command, compared with the same before it."""
    create_tasks(cluster)
    request = Request(GATEWAY_URL + path, workload.headers(cluster))
    request.check()
    switch = Switch(cluster)

    def rate(wanted: Command) -> Measure:
        def measure(seconds: float) -> float:
            if switch.turn(wanted):
                load(request, connections=CONNECTIONS, seconds=SETTLE)
            return load(request, connections=CONNECTIONS, seconds=seconds).rate

        return measure

    yield Pair(ours=rate(command), reference=rate(OFF))
    switch.turn(OFF)


def _figure(what: str, path: str, how: str, command: Command, target: float) -> Figure:
    return Figure(
        15,
        f"{what} through the gateway, {how}",
        "without `observe`",
        Better.HIGHER,
        target,
        lambda stage: observed(stage.cluster, path, command),
        ROUNDS,
        LEAST_SECONDS,
        traces="--traces" in command,
    )


FIGURES = [
    _figure(what, path, how, command, target)
    for how, command, target in (("metrics on", METRICS, 0.97), ("1 % traced", TRACES, 0.90))
    for what, path in (("one task", f"{workload.TASKS}1"), ("list of 50", workload.TASKS))
]
