"""A fake Consul, with keys, tokens, and the members that a test sets."""

import base64
import json
from typing import Any

from cluster.tests.http_server import Agent, Refusal, Request

KEYS = "/v1/kv/"
TOKENS = "/v1/acl/token"
FORCE_LEAVE = "/v1/agent/force-leave/"
DESTROY = "/v1/session/destroy/"


class Consul(Agent):
    """`keys` holds JSON or bytes by name, `tokens` what each new token may do.

    `sessions` has the sessions of locked keys, which are deleted with them.

    `alive` and `lost` are members. `left` are the names that were made to leave. As with Consul,
    only a member can be. A token that was deleted is refused; a request without one may do
    everything.
    """

    def __init__(self) -> None:
        super().__init__()
        self.keys: dict[str, Any] = {}
        self.sessions: dict[str, str] = {}
        self.tokens: list[dict[str, Any]] = []
        self.alive: set[str] = set()
        self.lost: set[str] = set()
        self.left: list[str] = []
        self._made = 0
        self._writes: list[str] = []

    def answer(self, request: Request) -> object:
        """Answer for keys, tokens and members as Consul does."""
        path, method = request.path, request.method
        if request.token and request.token not in {token["SecretID"] for token in self.tokens}:
            return Refusal(403, "ACL not found")
        if path.startswith(KEYS):
            return self._key(path.removeprefix(KEYS), request)
        if path == TOKENS and method == "PUT":
            token = {**request.body, "SecretID": f"secret-{self._made}",
                     "AccessorID": str(self._made), "CreateIndex": self._made}  # fmt: skip
            self._made += 1
            self.tokens.append(token)
            return token
        if path.startswith(f"{TOKENS}/") and method == "PUT":
            (known,) = [t for t in self.tokens if t["AccessorID"] == path.rpartition("/")[2]]
            known.update(request.body)
            return known
        if path == f"{TOKENS}s":
            return self.tokens
        if path.startswith(f"{TOKENS}/") and method == "DELETE":
            self.tokens = [t for t in self.tokens if t["AccessorID"] != path.rpartition("/")[2]]
            return True
        if path == "/v1/agent/members":
            states = {**dict.fromkeys(self.lost, 4), **dict.fromkeys(self.alive, 1)}
            return [{"Name": name, "Status": states[name], "Addr": self._address(name)}
                    for name in sorted(states)]  # fmt: skip
        if path.startswith(DESTROY) and method == "PUT":
            for key, session in list(self.sessions.items()):
                if session == path.removeprefix(DESTROY):
                    del self.sessions[key], self.keys[key]
            return True
        if path.startswith(FORCE_LEAVE):
            return self._force_leave(path.removeprefix(FORCE_LEAVE))
        return super().answer(request)

    def _force_leave(self, name: str) -> object:
        if name not in self.alive | self.lost:
            return Refusal(500, f"agent: No node found with name '{name}'")
        self.left.append(name)
        self.lost.discard(name)
        return True

    def _address(self, name: str) -> str:
        return str(self.keys.get(f"tasktracker/nodes/{name}", {}).get("address", ""))

    def _key(self, name: str, request: Request) -> object:
        if request.method == "PUT":
            is_old = request.query.get("cas", str(self._index(name))) != str(self._index(name))
            if not is_old:
                self.keys[name] = request.body
                self._writes.append(name)
            return not is_old
        if request.method == "DELETE":
            self.keys.pop(name, None)
            return True
        recurse = "recurse" in request.query
        found = [key for key in self.keys if key == name or (recurse and key.startswith(name))]
        entries = [
            {
                "Key": key,
                "Value": base64.b64encode(_bytes(self.keys[key])).decode(),
                "ModifyIndex": self._index(key),
                **({"Session": self.sessions[key]} if key in self.sessions else {}),
            }
            for key in found
        ]
        return entries or Refusal(404)

    def _index(self, name: str) -> int:
        """Return how often a key was written."""
        return self._writes.count(name)


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()
