"""`rotate certificates`, `authority`, `gossip` and `agent-tokens`: their steps on all machines.

One machine after another, the first one last, and each only when all is well after the one before:
never two servers are restarted at once. A second run completes an interrupted one: it makes
secrets anew, and ends every one that these replace. Of an authority it continues the stage.
"""

import time
import uuid
from contextlib import suppress
from dataclasses import replace

from tasktracker_cluster import starting
from tasktracker_cluster.agents import (
    authorities,
    certificates,
    consul,
    gossip,
    membership_program,
    nomad,
    ownership,
    renewed_tokens,
    supervisor,
)
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import AdminError, ApiError, NotReadyError, RefusedRotationError
from tasktracker_cluster.machine import preflight, wait
from tasktracker_cluster.membership import members, refreshing, rotations, sharing, survey
from tasktracker_cluster.membership.rotations import Rotation
from tasktracker_cluster.progress import Step, Steps

WELL_SECONDS = 300
_STAGES = {
    authorities.TRUST: "trusts a new authority, too",
    authorities.ISSUE: "has certificates of the new one",
    authorities.FORGET: "has forgotten the old one",
}
TURN_SECONDS = 900  # the limits of all steps that a machine takes, on a busy one
LATE_SECONDS = 60  # then a person wants to know for what the command waits


def rotate(cluster: Cluster, steps: Steps, what: str) -> None:
    """Replace secrets of one kind on every machine, while the cluster serves its users.

    Raises UnfitMachineError or RefusedRotationError before it changes anything, NotReadyError when
    a machine does not finish its part, and what the steps of `up` raise.
    """
    site = cluster.site
    preflight.must_be_root(f"rotate {what}")
    ownership.must_own(site)
    preflight.must_be_first(site, f"./just rotate {what}")
    supervisor.must_run(site)
    with ownership.locked(site):
        if not all(each.state == "RUNNING" for each in supervisor.processes(site)):
            starting.start_agents(cluster, steps)  # a rotation ended between a stop and a start
        rotation = _begin(cluster, what)
        _run(cluster, steps, rotation)
        # The tokens and certificates of `cluster` may have been replaced.
        rotations.end(cluster.anew().consul)


def _run(cluster: Cluster, steps: Steps, rotation: Rotation) -> None:
    match rotation.what:
        case rotations.GOSSIP:
            _rotate_gossip(cluster, steps, rotation)
        case rotations.CERTIFICATES:
            _give_turns(cluster, steps, rotation)
            _rotate_own_certificates(cluster, steps)
        case rotations.AUTHORITY:
            _rotate_authority(cluster, steps, rotation)
        case rotations.AGENT_TOKENS:
            _give_turns(cluster, steps, rotation)
            _rotate_own_tokens(cluster, steps)


def _begin(cluster: Cluster, what: str) -> Rotation:
    """Let no machine join from now on, and refuse when one is away: it would keep old secrets.

    Refuse after an interrupted rotation of another kind, too: its record would be lost, and with it
    that old secrets are still good.
    """
    interrupted = rotations.current(cluster.consul)
    if interrupted and interrupted.what != what:
        raise RefusedRotationError(
            f"A rotation of {interrupted.what} was interrupted.",
            f"Complete it first: ./just rotate {interrupted.what}",
        )
    stage = interrupted.stage if interrupted else ""
    rotation = Rotation(str(uuid.uuid4()), what, stage=stage)
    rotations.put(cluster.consul, rotation)
    try:
        _must_be_present(cluster)
    except AdminError:
        if interrupted is None:
            with suppress(ApiError):  # the first error is the reason
                rotations.end(cluster.consul)
        raise
    return rotation


def _must_be_present(cluster: Cluster) -> None:
    for machine in survey.of_machines(cluster):
        if machine.agents != "alive" or machine.nomad not in ("ready", "draining", "ineligible"):
            if machine.name == cluster.site.node.name:
                raise RefusedRotationError(
                    f"The agents of this machine are not well: {machine.agents}, {machine.nomad}.",
                    "Look closer: ./just doctor",
                )
            raise RefusedRotationError(
                f"{machine.name} is away, and would keep the old secrets.",
                "On that machine: ./just up. If it will not come back: "
                f"tasktracker-cli admin node remove {machine.name}",
            )


def _rotate_gossip(cluster: Cluster, steps: Steps, rotation: Rotation) -> None:
    site = cluster.site
    apis = {"consul": cluster.consul, "nomad": cluster.nomad}
    with steps.step("gossip is encrypted with new keys"):
        for agent, api in apis.items():
            gossip.use_new_key(site, agent, api)
    _give_turns(cluster, steps, rotation)
    with steps.step("the old keys are forgotten"):
        for agent, api in apis.items():
            gossip.remove_old_keys(site, agent, api)


def _rotate_own_tokens(cluster: Cluster, steps: Steps) -> None:
    site = cluster.site
    with steps.step(site.node.name):
        renewed_tokens.make(site, cluster.consul, cluster.nomad)
        certificates.reissue(site, certificates.of_consul(site.node.is_server))
        new = _refresh(cluster)
    with steps.step("the old tokens end"):
        renewed_tokens.end_old(site, new.consul, new.nomad)


def _rotate_own_certificates(cluster: Cluster, steps: Steps) -> None:
    with steps.step(cluster.site.node.name):
        certificates.reissue(cluster.site, _parties(cluster))
        _refresh(cluster)


def _rotate_authority(cluster: Cluster, steps: Steps, rotation: Rotation) -> None:
    site = cluster.site
    begin = authorities.STAGES.index(rotation.stage or authorities.TRUST)
    for stage in authorities.STAGES[begin:]:
        current = replace(rotation, identifier=str(uuid.uuid4()), stage=stage)
        rotations.put(cluster.consul, current)
        authorities.prepare(site, stage)
        cluster = cluster.anew()  # the agents may show certificates of either authority
        does = f" {_STAGES[stage]}"
        _give_turns(cluster, steps, current, does)
        with steps.step(site.node.name + does):
            # Of Consul in each stage: that it shows a new one is the proof that it trusts anew.
            of_consul = certificates.of_consul(site.node.is_server)
            all_of_stage = _parties(cluster) if stage == authorities.ISSUE else of_consul
            certificates.reissue(site, all_of_stage)
            cluster = _refresh(cluster)
            consul.trust_nomad(site, cluster.consul)


def _refresh(cluster: Cluster) -> Cluster:
    """Let everything on this machine use what is in its files, and return it with that."""
    site, new = cluster.site, cluster.anew()
    refreshing.refresh(new)
    if site.node.is_advertised:  # it has read the old ones
        name = membership_program.NAME
        membership_program.render(site)
        supervisor.ensure(site, name, changed=True)
        supervisor.wait_for(site, name, lambda: sharing.is_served(site))
    wait.until("a ready Nomad node", lambda: nomad.has_ready_node(new.nomad), WELL_SECONDS)
    _wait_well(new)
    return new


def _parties(cluster: Cluster) -> list[certificates.Role]:
    node = cluster.site.node
    others = [certificates.MEMBERSHIP] if node.is_advertised else []
    agents = certificates.of_agents(node.is_server)
    return [*agents, certificates.TOOLS, certificates.PAGES, certificates.STORE, *others]


def _give_turns(cluster: Cluster, steps: Steps, rotation: Rotation, does: str = "") -> None:
    """Let each of the other machines replace its secrets, one after another."""
    own = cluster.site.node.name
    for name in [each.name for each in members.all_of(cluster.consul) if each.name != own]:
        with steps.step(name + does) as step:
            rotations.put(cluster.consul, replace(rotation, machine=name))
            _wait_for_turn(cluster, name, rotation.identifier, step)
            _wait_well(cluster)


def _wait_for_turn(cluster: Cluster, name: str, identifier: str, step: Step) -> None:
    late = time.monotonic() + LATE_SECONDS
    is_told = False

    def has_rotated() -> bool:
        nonlocal is_told
        if not is_told and time.monotonic() > late:
            is_told = True
            minutes = f"{TURN_SECONDS / 60:.0f} minutes"
            step.note(f"waits {minutes} at most; see membership.log on that machine")
        try:
            known = members.all_of(cluster.consul)
        except ApiError:  # the leader is elected again when that machine restarts its agents
            return False
        return any((each.name, each.rotated) == (name, identifier) for each in known)

    try:
        wait.until(f"{name} to replace its secrets", has_rotated, TURN_SECONDS)
    except NotReadyError as error:
        raise NotReadyError(
            error.message,
            f"On {name}, read membership.log and run ./just up. Then run this command again.",
        ) from error


def _wait_well(cluster: Cluster) -> None:
    wait.until("servers and machines that are all well", lambda: _is_well(cluster), WELL_SECONDS)


def _is_well(cluster: Cluster) -> bool:
    apis = (cluster.consul, cluster.nomad)
    try:
        _must_be_present(cluster)
        # 429, an error, unless every server follows the leader closely.
        return all(api.answers("/v1/operator/autopilot/health") for api in apis)
    except (ApiError, RefusedRotationError):
        return False
