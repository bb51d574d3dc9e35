"""The first machine's HTTPS server for the others. It runs under the supervisor.

`/join` needs the secret of an invitation. Every other path needs the certificate of a machine that
has joined. `/release`, `/report` and `/logs` only read. Each other one is only about that machine.
"""

import hashlib
import json
import ssl
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from tasktracker_cluster.agents import certificates, credentials, nomad, supervisor, version
from tasktracker_cluster.agents.certificates import Identity
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import (
    AdminError,
    ApiError,
    NoNodeError,
    NotReadyError,
    RefusedJoinError,
    RefusedLeaveError,
)
from tasktracker_cluster.jobs import allocations, deployment, placement
from tasktracker_cluster.membership import (
    admission,
    members,
    messages,
    node_tokens,
    nodes,
    quorum,
    reports,
    rotations,
)
from tasktracker_cluster.membership.limited_server import LimitedServer, TimeLimit
from tasktracker_cluster.membership.messages import (
    Joining,
    Logs,
    MalformedMessageError,
    Readiness,
    Renewal,
    Report,
    Rotated,
)
from tasktracker_cluster.membership.rotations import AGENT_TOKENS, AUTHORITY, GOSSIP
from tasktracker_cluster.releases import installed
from tasktracker_cluster.topology import COLLECTOR, JOBS, MEMBERSHIP_PORT

MOST_BYTES = 65536
MOST_REFUSALS = 20  # a minute, of one address
MOST_ADDRESSES = 1000  # that are remembered
WINDOW_SECONDS = 60

SAME_COMMIT = "Check out the commit of the first machine."

Json = dict[str, Any]

_one_at_a_time = threading.Lock()


class MemberServer(LimitedServer):
    """The server, listening. `serve_forever` answers."""

    def __init__(self, cluster: Cluster, port: int = MEMBERSHIP_PORT) -> None:
        super().__init__((cluster.site.node.address, port), _Handler)
        self.cluster = cluster
        self.context = context(cluster)
        self.version = version.of(cluster.site.checkout)  # that of this process
        self._refusals: dict[str, deque[float]] = {}

    def refusals(self, address: str) -> deque[float]:
        """Return the times of the last refusals of an address."""
        if address not in self._refusals and len(self._refusals) >= MOST_ADDRESSES:
            self._refusals.clear()
        return self._refusals.setdefault(address, deque(maxlen=MOST_REFUSALS))


def context(cluster: Cluster) -> ssl.SSLContext:
    """Return the TLS settings of the server, by the files as they are now."""
    site = cluster.site
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.verify_mode = ssl.CERT_OPTIONAL  # a machine that joins has none
    made.load_verify_locations(certificates.paths(site, certificates.AUTHORITY)[0])
    made.load_cert_chain(*certificates.paths(site, certificates.MEMBERSHIP.name))
    return made


class _Handler(BaseHTTPRequestHandler):
    server: MemberServer

    def setup(self) -> None:
        # In the thread of the connection: a slow caller must not stop the others.
        self.request = self.server.context.wrap_socket(
            self.request, server_side=True, do_handshake_on_connect=False
        )
        self.limit = TimeLimit(self.request)
        try:
            self.request.do_handshake()
        except OSError:
            self._end()
            raise
        super().setup()

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self._end()

    def _end(self) -> None:
        self.limit.stop()
        self.request.close()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        # Nothing else: anyone may call, and nothing rotates this log.
        if code == HTTPStatus.OK:
            super().log_request(code, size)

    def log_error(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        try:
            content = self._body()
            self.limit.stop()
            status, answer = 200, self._answer(content)
        except AdminError as error:
            status, answer = 403, {"message": error.message, "hint": error.hint}
        except MalformedMessageError as error:
            status, answer = 400, {"message": str(error), "hint": SAME_COMMIT}
        self.limit.start()
        self._send(status, answer)

    def _answer(self, content: bytes) -> Json:
        if self.path == "/join":
            return self._join(messages.read(Joining, content))
        name, cluster = self._caller(), self.server.cluster
        match self.path:
            case "/ready":
                return _ready(cluster, name, messages.read(Readiness, content))
            case "/release":
                return _release(cluster)
            case "/logs":
                return _logs(cluster, messages.read(Logs, content))
            case "/report":
                return {"rows": reports.make(cluster.site, messages.read(Report, content).what)}
            case "/leave":
                return _leave(cluster, name)
            case "/demote":
                with _one_at_a_time:
                    return _demote(cluster, name)
            case "/certificates":
                asked = messages.read(Renewal, content)
                with _one_at_a_time:
                    return _certificates(cluster, name, self._shown(), asked)
            case "/introduction":
                with _one_at_a_time:
                    return _introduction(cluster, name)
            case "/gossip":
                return _gossip(cluster, name)
            case "/authority":
                return _authority(cluster, name)
            case "/tokens":
                with _one_at_a_time:
                    return _tokens(cluster, name)
            case "/rotated":
                told = messages.read(Rotated, content)
                with _one_at_a_time:
                    return _rotated(cluster, name, self._shown(), told)
            case "/left":
                with _one_at_a_time:
                    return _left(cluster, name)
        raise MalformedMessageError(f"The first machine does not know {self.path}.")

    def _join(self, asked: Joining) -> Json:
        refusals = self.server.refusals(self.client_address[0])
        if len(refusals) == MOST_REFUSALS and refusals[0] > time.monotonic() - WINDOW_SECONDS:
            raise RefusedJoinError("Too many attempts to join.", "Wait a minute, then try again.")
        try:
            with _one_at_a_time:
                return admission.admit(self.server.cluster, asked, self.server.version)
        except AdminError as error:
            self.log_message("refused to join: %s", error.message)
            refusals.append(time.monotonic())
            raise

    def _caller(self) -> str:
        shown = self._shown()
        if shown:
            for member in members.all_of(self.server.cluster.consul):
                if shown in (member.certificate, member.renewed):
                    return member.name
        raise RefusedJoinError(
            "This is no machine of the cluster.",
            "If it was removed: ./just destroy, then ./just join with a new line.",
        )

    def _shown(self) -> str:
        """Return the fingerprint of the caller's certificate, empty without one."""
        shown = self.request.getpeercert(binary_form=True)
        return hashlib.sha256(shown).hexdigest() if shown else ""

    def _body(self) -> bytes:
        try:
            length = int(self.headers.get("Content-Length", "0"))
        except ValueError:
            length = 0
        if not 0 < length <= MOST_BYTES:
            raise MalformedMessageError(f"A request has 1 to {MOST_BYTES} bytes.")
        return self.rfile.read(length)

    def _send(self, status: int, answer: Json) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = True


def _certificates(cluster: Cluster, name: str, shown: str, asked: Renewal) -> Json:
    is_server = name in members.servers(cluster.consul)
    signed = admission.sign(cluster, name, asked.requests, is_server)
    if renewed := signed.get(certificates.MEMBERSHIP.name):
        members.renew(cluster.consul, shown, Identity(renewed, "").fingerprint)
    return {"certificates": signed}


def _release(cluster: Cluster) -> Json:
    """Return which release the cluster runs, and the machines whose stores have its artifacts."""
    release = installed.present(cluster.site)
    nodes = [each.address for each in members.all_of(cluster.consul)]
    return {"name": release.name, "artifacts": release.artifacts, "nodes": nodes}


def _logs(cluster: Cluster, asked: Logs) -> Json:
    return {"lines": reports.last_lines(cluster.anew(), asked.job, asked.task, asked.lines)}


def _introduction(cluster: Cluster, name: str) -> Json:
    return {"introduction": nomad.make_introduction(cluster.nomad, name)}


def _gossip(cluster: Cluster, name: str) -> Json:
    rotations.must_be_turn_of(cluster.consul, name, GOSSIP)
    keys = {agent: credentials.gossip_key(cluster.site, agent) for agent in supervisor.AGENTS}
    return {"gossip": keys}


def _authority(cluster: Cluster, name: str) -> Json:
    rotations.must_be_turn_of(cluster.consul, name, AUTHORITY)
    return {"authority": certificates.trusted(cluster.site)}


def _tokens(cluster: Cluster, name: str) -> Json:
    rotations.must_be_turn_of(cluster.consul, name, AGENT_TOKENS)
    return {"tokens": node_tokens.make(cluster.consul, name)}


def _rotated(cluster: Cluster, name: str, shown: str, told: Rotated) -> Json:
    """End the secrets that a machine no longer uses, and record that it has the new ones."""
    consul = cluster.consul
    if rotations.must_be_turn_of(consul, name).what == AGENT_TOKENS:
        node_tokens.delete_old(consul, name)
    for member in members.all_of(consul):
        if member.name == name:
            changed = replace(member, rotated=told.identifier, certificate=shown, renewed="")
            members.put(consul, changed)
    return {}


def _ready(cluster: Cluster, name: str, asked: Readiness) -> Json:
    """Use a machine whose agents run.

    After a start of the whole machine its instances are replaced: they have no Consul tokens. So
    are those whose sidecars are of an earlier version.
    """
    if asked.restored or asked.earlier:
        jobs = (*JOBS, COLLECTOR)
        known = [each for job in jobs for each in allocations.active(cluster, job)]
        own = [each for each in known if each["NodeName"] == name]
        old = [each for each in own if asked.restored or each["ID"] in asked.earlier]
        deployment.replace(cluster, old)
    with _one_at_a_time:
        _record_run(cluster, name)
        servers = quorum.choose(cluster)
        # While a deployment runs Nomad refuses; the next `up` adds them.
        with suppress(ApiError, NotReadyError):
            placement.fit_databases(cluster)
        nodes.tell_stores(cluster)
    with suppress(ApiError):
        placement.add_instances(cluster)
    return {"servers": servers}


def _record_run(cluster: Cluster, name: str) -> None:
    for member in members.all_of(cluster.consul):
        if member.name == name and not member.has_run:
            members.put(cluster.consul, replace(member, has_run=True))


def _leave(cluster: Cluster, name: str) -> Json:
    quorum.must_spare(cluster, name)
    try:
        nodes.drain(cluster, name)
        with _one_at_a_time:
            quorum.must_spare(cluster, name)
            quorum.release(cluster, name)
    except NoNodeError:
        return {}  # an earlier try has come so far that Nomad forgot it
    except AdminError:
        nodes.enable(cluster, name)
        raise
    return {}


def _demote(cluster: Cluster, name: str) -> Json:
    """Take the servers of a machine out of both groups. The machine ends them at once."""
    if name in members.servers(cluster.consul):
        raise RefusedLeaveError(f"{name} shall be a server.")
    quorum.must_spare(cluster, name)
    quorum.release(cluster, name)
    return {}


def _left(cluster: Cluster, name: str) -> Json:
    nodes.forget(cluster, name)
    return {}
