"""The times on which a quick start and a clean stop depend."""

import re

import yaml

from servicekit import server
from tasktracker_cluster.jobs import deployment, placement
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import RELEASE, STORE
from tests.infra.reading import ROOT, Json, only_group, only_service, read_job, tasks

SECOND = 10**9  # Nomad counts nanoseconds
DATABASES = ("user-db", "task-db")


def test_every_check_runs_each_second(job: Json) -> None:
    (check,) = only_service(job)["Checks"]
    assert check["Interval"] == SECOND
    seconds = {**dict.fromkeys(DATABASES, 6), "traefik": 2}.get(job["ID"], 5)
    assert check["Timeout"] <= seconds * SECOND


def test_where_a_database_may_have_replicas_a_script_looks_who_leads(
    members: dict[str, Json],
) -> None:
    for name, job in members.items():
        (check,) = only_service(job)["Checks"]
        assert (check["Type"], check["Interval"]) == ("script", SECOND), name
        # It asks three times before it ends the lead of a member that hangs (leads.sh).
        assert check["Timeout"] == 9 * SECOND, name


def test_one_late_answer_takes_no_service_away(jobs: dict[str, Json]) -> None:
    for name in jobs.keys() - {*DATABASES, "traefik"}:
        (check,) = only_service(jobs[name])["Checks"]
        assert check["FailuresBeforeCritical"] == 3, name


def test_an_http_check_of_a_sidecar_service_goes_through_the_sidecar(jobs: dict[str, Json]) -> None:
    for name, job in jobs.items():
        service = only_service(job)
        (check,) = service["Checks"]
        assert check["Type"] == "http", name
        if name in DATABASES:  # Patroni has another port than the service
            (path,) = service["Connect"]["SidecarService"]["Proxy"]["Expose"]["Paths"]
            assert (path["Path"], path["LocalPathPort"]) == ("/primary", 8008)
            assert check["Path"] == path["Path"]
            assert check["PortLabel"] == path["ListenerPort"]
        else:
            assert check["Expose"] == (name != "traefik"), name


def test_no_ten_second_check_of_the_sidecar_delays_a_deployment(job: Json) -> None:
    sidecar = only_service(job)["Connect"]["SidecarService"]
    assert sidecar is None or sidecar["DisableDefaultTCPCheck"]
    update = only_group(job)["Update"]
    assert update["MinHealthyTime"] == 0
    assert update["HealthCheck"] == "checks"


def test_nobody_gives_an_instance_up_before_nomad_does(job: Json, members: dict[str, Json]) -> None:
    for each in (job, *members.values()):
        deadline = only_group(each)["Update"]["HealthyDeadline"]
        assert deadline < deployment.HEALTHY_SECONDS * SECOND, each["ID"]


def test_an_instance_that_moves_has_as_much_time_as_a_new_one(
    job: Json, members: dict[str, Json]
) -> None:
    """Nomad calls a later one unhealthy for good, and nobody would wait for it any more."""
    for each in (job, *members.values()):
        group = only_group(each)
        if migrate := group["Migrate"]:
            assert migrate["HealthyDeadline"] == group["Update"]["HealthyDeadline"], each["ID"]
            assert migrate["HealthyDeadline"] < placement.LIMIT_SECONDS * SECOND, each["ID"]


def test_a_server_may_finish_its_requests_before_it_is_killed(jobs: dict[str, Json]) -> None:
    graceful = server.OPTIONS["timeout_graceful_shutdown"] * SECOND
    for name in jobs.keys() - {*DATABASES, "traefik"}:
        (app,) = [task for task in tasks(jobs[name]) if task["Name"] == "app"]
        assert app["KillTimeout"] > graceful, name


def test_the_gateway_is_killed_after_the_time_limit_of_its_requests(jobs: dict[str, Json]) -> None:
    (traefik,) = tasks(jobs["traefik"])
    # Ten seconds is Traefik's default.
    text = (ROOT / "traefik" / "traefik.yml.tmpl").read_text()
    given = re.search(r"graceTimeOut: (\d+)s", text)
    assert traefik["KillTimeout"] > (int(given[1]) if given else 10) * SECOND


def test_a_request_times_out_after_the_same_time_with_and_without_the_mesh() -> None:
    mesh = (ROOT / "consul/config-entries/proxy-defaults/global.hcl").read_text()
    sidecar = re.search(r"local_request_timeout_ms = (\d+)", mesh)
    transport = yaml.safe_load((ROOT / "traefik/dev.yml").read_text())["serversTransport"]
    assert sidecar
    assert transport["forwardingTimeouts"]["responseHeaderTimeout"] == f"{int(sidecar[1]) // 1000}s"


def test_the_gateway_gives_up_on_a_frozen_sidecar_only_after_a_working_one_has_answered() -> None:
    mesh = (ROOT / "consul/config-entries/proxy-defaults/global.hcl").read_text()
    sidecar = re.search(r"local_request_timeout_ms = (\d+)", mesh)
    routes = (ROOT / "traefik/mesh.yml.tmpl").read_text()
    gateway = re.search(r"responseHeaderTimeout: (\d+)s", routes)
    assert sidecar
    assert gateway
    assert int(sidecar[1]) // 1000 < int(gateway[1]) <= 30


def test_the_client_allows_every_kill_timeout(jobs: dict[str, Json]) -> None:
    text = (ROOT / "nomad" / "agent" / "client.hcl").read_text()
    limit = re.search(r'max_kill_timeout\s*=\s*"(\d+)s"', text)
    assert limit
    for job in jobs.values():
        for task in tasks(job):
            assert (task["KillTimeout"] or 0) <= int(limit[1]) * SECOND, job["ID"]


def test_a_database_has_a_minute_for_a_fast_shutdown(jobs: dict[str, Json]) -> None:
    for name in DATABASES:
        (postgres,) = [task for task in tasks(jobs[name]) if task["Name"] == "postgres"]
        assert postgres["KillSignal"] == "SIGTERM", "Patroni's"
        assert postgres["KillTimeout"] == 60 * SECOND
        assert only_group(jobs[name])["Count"] == 1


def test_a_service_leaves_consul_before_it_gets_a_signal(jobs: dict[str, Json]) -> None:
    for name in jobs.keys() - {*DATABASES, "traefik"}:
        assert only_group(jobs[name])["ShutdownDelay"] >= 5 * SECOND, name


def test_every_ended_task_is_restarted_after_a_second_without_a_limit(job: Json) -> None:
    policies = [task.get("RestartPolicy") for task in tasks(job) if not task.get("Lifecycle")]
    for restart in [only_group(job)["RestartPolicy"], *filter(None, policies)]:
        assert restart["Delay"] == SECOND
        assert restart["Mode"] == "delay"


def test_a_release_is_not_given_up_before_a_store_that_ends_and_starts_again(site: Site) -> None:
    (store,) = tasks(read_job(site, STORE))
    restart = only_group(read_job(site, RELEASE))["RestartPolicy"]
    tries = restart["Attempts"] * restart["Delay"]
    assert tries < restart["Interval"], "or it never fails"
    # A start may take as long as the end on a busy machine.
    assert tries >= 2 * store["KillTimeout"]
