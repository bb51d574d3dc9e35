"""Requests from inside an allocation's network, on any node."""

import subprocess

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs.allocations import Allocation
from tasktracker_cluster.jobs.tasks import Task
from tasktracker_cluster.machine import netns
from tasktracker_cluster.mesh import requests
from tasktracker_cluster.mesh.requests import CONNECT_SECONDS, LIMIT_SECONDS, Answer

TASK = "app"  # it has a Python, and each service has it

# Arguments: host, port, path. It prints the status in a line of its own, then the body.
PROGRAM = f"""
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout={LIMIT_SECONDS})
connection.request("GET", sys.argv[3])
response = connection.getresponse()
print(response.status)
print(response.read().decode(errors="replace"), end="")
"""


def get(
    cluster: Cluster, allocation: Allocation, address: tuple[str, int], path: str
) -> Answer | str:
    """GET a path inside the network of a service's allocation.

    Return the error's text if there is no answer. Raises ApiError when Nomad does not answer.
    """
    if netns.is_here(allocation["ID"]):
        return requests.get_inside(allocation["ID"], address, path)
    task = Task.of(cluster, allocation, TASK)
    host, port = address
    try:
        done = subprocess.run(
            task.command([task.python, "-c", PROGRAM, host, str(port), path]),
            env=task.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_SECONDS + CONNECT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return "timed out"
    if done.returncode != 0:
        return (done.stderr.strip().splitlines() or ["no answer"])[-1]
    status, _, text = done.stdout.partition("\n")
    return Answer(int(status), text)
