"""A fake keyring of Consul's or Nomad's agents."""

from cluster.tests.http_server import Agent, Refusal, Request

PATHS = {"consul": "/v1/operator/keyring", "nomad": "/v1/agent/keyring/"}
CONSULS = {"POST": "install", "PUT": "use", "DELETE": "remove", "GET": "list"}


class Ring(Agent):
    """An agent's keyring: the first key encrypts. It answers each request only after `losses`."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []
        self.done: list[str] = []
        self.losses = 0

    def answer(self, request: Request) -> object:
        """Change the keyring as the agents do."""
        of_nomad = request.path.startswith(PATHS["nomad"])
        name = request.path.rpartition("/")[2] if of_nomad else CONSULS[request.method]
        if self.losses:
            self.losses -= 1
            return Refusal(500, "1/2 nodes reported success")
        if name == "list":
            found = {"Keys": dict.fromkeys(self.keys, 1)}
            return found if of_nomad else [found]
        self.done.append(name)
        return self._change(name, request.body["Key"])

    def _change(self, name: str, key: str) -> object:
        others = [other for other in self.keys if other != key]
        if name == "use" and key not in self.keys:
            return Refusal(500, "requested key is not in the keyring")
        if name == "remove" and key == self.keys[0]:
            return Refusal(500, "removing the primary key is not allowed")
        self.keys = {"install": [*others, key], "use": [key, *others], "remove": others}[name]
        return None
