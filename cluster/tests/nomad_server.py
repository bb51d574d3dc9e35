"""A fake Nomad, with variables, and with the jobs that a test sets."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from cluster.tests.http_server import Agent, Refusal, Request

METADATA = "/v1/client/metadata"
VARIABLES = "/v1/var/"

Json = dict[str, Any]

DEPLOYMENT = {
    "StatusDescription": "",
    "TaskGroups": {"api": {"DesiredCanaries": 1, "DesiredTotal": 1}},
}


class Nomad(Agent):
    """`variables` holds items by path, and `written` each write, in order.

    `metadata` holds those of each node's client.

    `meanwhile` is called once, before a write is compared with what there is.
    """

    meanwhile: Callable[[], None] | None = None

    def __init__(self) -> None:
        super().__init__()
        self.answers["/v1/nodes"] = [node("node-1")]
        self.metadata: dict[str, dict[str, str]] = {}  # of each node, by its id
        self.variables: dict[str, dict[str, str]] = {}
        self.written: list[tuple[str, dict[str, str]]] = []
        self._indexes: dict[str, int] = {}

    def has_job(self, name: str, *allocations: Json, version: int = 1, **deployment: Any) -> None:
        """Have a job of this version, its allocations, and the deployment of that version."""
        job = f"/v1/job/{name}"
        self.answers[job] = {
            "Version": version,
            "Type": "service",
            "TaskGroups": [{"Count": 1}],
        }
        self.answers[f"{job}/allocations"] = list(allocations)
        self.answers[f"{job}/deployment"] = (
            {**DEPLOYMENT, "JobVersion": version, **deployment} if deployment else None
        )

    def answer(self, request: Request) -> object:
        """Answer for variables as Nomad does, `cas` included."""
        if request.path == METADATA:
            return self._metadata(request)
        if not request.path.startswith(VARIABLES):
            return super().answer(request)
        path = unquote(request.path.removeprefix(VARIABLES))
        if request.method == "PUT":
            return self._write(path, request)
        if request.method == "DELETE":
            self.delete(path)
            return b""
        return self._variable(path) if path in self.variables else Refusal(404)

    def _metadata(self, request: Request) -> object:
        known = self.metadata.setdefault(request.query["node_id"], {})
        known.update((request.body or {}).get("Meta", {}))
        return {"Meta": known}

    def write(self, path: str, items: dict[str, str]) -> None:
        """Set the items of a variable."""
        self.variables[path] = items
        self.written.append((path, items))
        self._indexes[path] = len(self.written)

    def delete(self, path: str) -> dict[str, str]:
        """Delete a variable, and return its items."""
        del self._indexes[path]
        return self.variables.pop(path)

    def _write(self, path: str, request: Request) -> object:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        if int(request.query["cas"]) != self._indexes.get(path, 0):
            return Refusal(409, "cas error: index mismatch")
        self.write(path, request.body["Items"])
        return self._variable(path)

    def _variable(self, path: str) -> Json:
        return {
            "Path": path,
            "Items": self.variables[path],
            "ModifyIndex": self._indexes[path],
        }


def node(name: str, status: str = "ready", eligibility: str = "eligible") -> Json:
    """Return a node as Nomad's API lists it. Its id is the end of its name."""
    identifier = name.rpartition("-")[2]
    return {
        "ID": identifier,
        "Name": name,
        "Status": status,
        "SchedulingEligibility": eligibility,
        "Drain": False,
        "CreateIndex": 1,
    }


def allocation(
    identifier: str = "a" * 36, status: str = "running", version: int = 1, **others: Any
) -> Json:
    """Return an allocation as Nomad's API lists it, with no task that did anything."""
    return {
        "ID": identifier,
        "Name": "job.group[0]",
        "ClientStatus": status,
        "DesiredStatus": "run",
        "DesiredTransition": {"Migrate": None},
        "NodeID": "1",
        "NodeName": "node-1",
        "JobType": "service",
        "JobVersion": version,
        "CreateIndex": 1,
        "CreateTime": 2_000_000_000 * 10**9,
        "TaskStates": {},
        "DeploymentStatus": None,
        **others,
    }


def task_state(state: str = "running", restarts: int = 0, *events: str) -> Json:
    """Return the state of a task that has not failed, with what Nomad says of its events."""
    return {
        "State": state,
        "Failed": False,
        "Restarts": restarts,
        "Events": [{"DisplayMessage": event} for event in events],
    }
