"""`up`, `down` and `destroy`: the order in which everything happens."""

import shutil
import time

import httpx

from tasktracker_cluster.agents import (
    certificates,
    consul,
    credentials,
    nomad,
    pages,
    preflight,
    supervisor,
)
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.errors import NotReadyError, StaleStateError
from tasktracker_cluster.jobs import deployment, signing_keys, traefik
from tasktracker_cluster.machine import accounts, packages, processes, tools, wait
from tasktracker_cluster.monitoring import status
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.releases import release
from tasktracker_cluster.site import GATEWAY_URL, Site

LIMIT_SECONDS = 60

# One of each service, which refuses a stranger itself; without a route the portal answers 503.
NEEDS_LOGIN = ("/api/v1/auth/me", "/api/v1/tasks/", "/api/v1/stats/")


def install(site: Site, steps: Steps) -> None:
    """Fetch and build everything that `up` needs, and start nothing: `up` then needs no network."""
    preflight.must_be_root("install")
    preflight.must_have_a_usable_home(site)
    preflight.must_own(site)
    with preflight.alone(site):
        preflight.take_ownership(site)
        preflight.must_have_space(site)
        _install(site, steps)


def install_packages(steps: Steps) -> None:
    """Install the system's packages alone: PostgreSQL is enough to test a service."""
    if packages.missing():
        preflight.must_be_root("install")
    with steps.step("system packages") as step:
        packages.install(step)


def up(site: Site, steps: Steps) -> None:
    """Bring the whole cluster up; each step does nothing where nothing is to be done."""
    preflight.must_be_root("up")
    preflight.must_have_a_usable_home(site)
    preflight.must_own(site)
    with preflight.alone(site):
        preflight.take_ownership(site)
        preflight.must_have_space(site)
        _end_orphans(site, steps)
        nothing_runs = not processes.of_site(site)
        if nothing_runs:  # else the ports are ours already
            preflight.must_have_ports(site)
        name = _install(site, steps)
        tokens = _start_agents(site, steps)
        _stop_outdated(site, steps, nomad.api(site, tokens.nomad_management), nothing_runs)
        _take_over(site, steps, nomad.api(site, tokens.nomad_management))
        _run_jobs(site, steps, tokens, name)


def down(site: Site, steps: Steps) -> None:
    """Stop jobs, agents and supervisor, and whatever an accident left; the data stay."""
    preflight.must_be_root("down")
    preflight.must_own(site)
    if preflight.owner(site) is None:
        return
    with preflight.alone(site):
        _stop(site, steps)


def destroy(site: Site, steps: Steps) -> None:
    """`down`, then delete the state folder with all data in it."""
    preflight.must_be_root("destroy")
    preflight.must_own(site)
    if preflight.owner(site) is None:
        if site.home.exists() and any(site.home.iterdir()):
            raise StaleStateError(f"{site.home} is not TaskTracker's: nothing was deleted.")
        return
    with preflight.alone(site):
        _stop(site, steps)
        with steps.step("delete the state"):
            accounts.unmount_below(site.home)
            shutil.rmtree(site.home)


def _end_orphans(site: Site, steps: Steps) -> None:
    # Agents whose supervisor was killed: a new one could not start its own beside them. Their tasks
    # go on, and are adopted.
    if not supervisor.is_running(site) and any(o.is_agent for o in processes.of_site(site)):
        with steps.step("agents without a supervisor") as step:
            step.detail = f"ended {processes.end_agents(site)}"


def _install(site: Site, steps: Steps) -> str:
    install_packages(steps)
    accounts.create_users()
    accounts.create_folders(site)
    with steps.step("Nomad, Consul and the wall") as step:
        tools.install(site, step)
    with steps.step("release") as step:
        return release.install(site, step)


def _start_agents(site: Site, steps: Steps) -> credentials.Tokens:
    tokens = credentials.load_or_create(site)
    accounts.create_address()
    certificates.of(site, certificates.TOOLS)
    traefik.render(site)
    changed = supervisor.render(site, tokens)
    changed[pages.NAME] |= pages.render(site)
    _start_consul(site, steps, tokens, changed["consul"])
    _start_nomad(site, steps, tokens, changed)
    return tokens


def _start_consul(site: Site, steps: Steps, tokens: credentials.Tokens, changed: bool) -> None:
    api = consul.api(site, tokens.consul_management)
    with steps.step("Consul") as step:
        was_running = supervisor.is_running(site)
        supervisor.start(site)
        supervisor.ensure(site, "consul", changed and was_running)
        supervisor.wait_for(site, "consul", lambda: consul.has_leader(api))
        consul.set_up_acl(site, api, tokens)
        step.detail = f"leads; {consul.apply_config_entries(site)} config entries"


def _start_nomad(
    site: Site, steps: Steps, tokens: credentials.Tokens, changed: dict[str, bool]
) -> None:
    api = nomad.api(site, tokens.nomad_management)
    with steps.step("Nomad") as step:
        supervisor.ensure(site, "nomad", changed["nomad"])
        supervisor.ensure(site, pages.NAME, changed["pages"])  # meanwhile
        _lead(site, api, changed=False)
        nomad.set_up_acl(site, api, tokens)
        if not nomad.knows_this_node(api):
            # The introduction has to be signed by a server, and a client reads it when it starts.
            nomad.introduce(site, api)
            _lead(site, api, changed=True)
        nomad.make_secrets(api)
        signing_keys.make(site, api)
        supervisor.wait_for(site, pages.NAME, pages.answer)
        consul.trust_nomad(site, consul.api(site, tokens.consul_management))
        wait.until("a ready Nomad node", lambda: nomad.has_ready_node(api), LIMIT_SECONDS)
        nomad.introduction(site).unlink(missing_ok=True)
        step.detail = "leads, with a node ready"


def _lead(site: Site, api: Api, changed: bool) -> None:
    supervisor.ensure(site, "nomad", changed)
    supervisor.wait_for(site, "nomad", lambda: nomad.has_leader(api))


def _stop_outdated(site: Site, steps: Steps, api: Api, restored: bool) -> None:
    # After a restart of the machine Nomad runs its tasks again in place, but the sidecars' Consul
    # tokens were in memory and it does not write them a second time. And a sidecar trusts the
    # authority that there was when it was placed, or none, and reaches Consul no more after another
    # was made. Place these jobs anew.
    made = certificates.authority(site).made.timestamp() * 1e9
    placed = [a["CreateTime"] for job in deployment.names() for a in deployment.running(api, job)]
    if placed and (restored or min(placed) < made):
        with steps.step("jobs from before a restart, or a new authority"):
            for row in reversed(deployment.ORDER):
                deployment.stop(api, *row)


def _take_over(site: Site, steps: Steps, api: Api) -> None:
    # An earlier version ran both databases as the system user postgres.
    databases = accounts.of_other_users(site)
    if databases:
        with steps.step("databases of an earlier version") as step:
            for row in reversed(deployment.ORDER):
                deployment.stop(api, *row)
            for database in databases:
                accounts.take_over(site, database)
            step.detail = f"{', '.join(databases)} got users of their own"


def _run_jobs(site: Site, steps: Steps, tokens: credentials.Tokens, name: str) -> None:
    api = nomad.api(site, tokens.nomad_management)
    since = time.time()
    variables = {"release": name, "signing_keys": signing_keys.name(api)}
    for row in deployment.ORDER:
        for job in row:
            deployment.submit(site, job, variables)
        for job in row:
            with steps.step(job):
                deployment.wait_healthy(api, job, since)
    with steps.step("gateway"):
        traefik.restart_outdated(site, api)
        _wait_for_gateway(site, api)


def _wait_for_gateway(site: Site, api: Api) -> None:
    try:
        wait.until("every service healthy at the gateway", gateway_answers, LIMIT_SECONDS)
    except NotReadyError as error:
        for row in status.rows(site):
            if row.kind == "job" and not row.is_well:
                raise deployment.failure(api, row.name, f"{row.name}: {row.health}.") from error
        raise


def gateway_answers() -> bool:
    """Whether the gateway's /health, which asks every service, says ok, and each has a route."""
    try:
        with httpx.Client(base_url=GATEWAY_URL, timeout=5, trust_env=False) as client:
            return client.get("/health").is_success and all(
                client.get(path).status_code == httpx.codes.UNAUTHORIZED for path in NEEDS_LOGIN
            )
    except httpx.TransportError:
        return False


def _stop(site: Site, steps: Steps) -> None:
    if supervisor.is_running(site):
        _stop_jobs(site, steps)
        with steps.step("agents"):
            supervisor.stop(site)
    if processes.of_site(site):
        with steps.step("processes left over") as step:
            step.detail = f"ended {processes.end_all(site)}"
    accounts.remove_interfaces()


def _stop_jobs(site: Site, steps: Steps) -> None:
    certificates.of(site, certificates.TOOLS)  # in a state folder from before there were any
    api = nomad.api(site, credentials.load(site).nomad_management)
    if not api.answers("/v1/acl/token/self"):
        return  # interrupted before Nomad knew its token, or started by an earlier version
    for row in reversed(deployment.ORDER):
        with steps.step(", ".join(row)):
            deployment.stop(api, *row)
