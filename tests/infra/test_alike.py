"""Jobs have a file each, and the parts that several have in common are equal."""

import json
import re

import pytest

from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import BACKUP, EXPORTER, LOGS, METRICS, SERVICES, Service
from tests.infra.reading import Json, only_group, only_service, read_job, tasks

MODEL, *OTHERS = SERVICES

each_other_service = pytest.mark.parametrize("other", OTHERS, ids=lambda service: service.name)


def anonymous(service: Service, jobs: dict[str, Json]) -> Json:
    """Return a service's job with NAME for its name, which is in users, modules and roles, too."""
    return without_name(service.folder, jobs[service.name])


def without_name(name: str, job: Json) -> Json:
    # The pattern must not match the wall's option `--user=`.
    pattern = rf"(?<![a-z]){name}(?:-service)?(?![a-z=])"
    return dict(json.loads(re.sub(pattern, "NAME", json.dumps(job))))


def group_alone(job: Json) -> Json:
    return {
        key: value for key, value in only_group(job).items() if key not in ("Tasks", "Services")
    }


def service_alone(job: Json) -> Json:
    """Return the service with its check and its sidecar, without the individual settings."""
    service = only_service(job)
    (check,) = service["Checks"]
    check["Path"] = "of its own"
    proxy = service["Connect"]["SidecarService"]["Proxy"]
    proxy["Upstreams"] = "of its own"
    (metrics,) = proxy["Expose"]["Paths"]
    assert str(metrics["LocalPathPort"]) == service["PortLabel"]
    metrics["LocalPathPort"] = "of its own"
    return {**service, "PortLabel": "of its own"}


def task(job: Json, name: str) -> Json:
    (found,) = [each for each in tasks(job) if each["Name"] == name]
    return found


def app_alone(job: Json) -> Json:
    """Return the application's task without its settings and the text of its secrets."""
    app = task(job, "app")
    templates = [{**each, "EmbeddedTmpl": "of its own"} for each in app["Templates"] or []]
    return {**app, "Env": "of its own", "Templates": templates}


@each_other_service
def test_every_service_is_placed_updated_and_restarted_in_the_same_way(
    jobs: dict[str, Json], other: Service
) -> None:
    job, model = anonymous(other, jobs), anonymous(MODEL, jobs)
    assert group_alone(job) == group_alone(model)


@each_other_service
def test_every_service_has_the_same_check_and_sidecar(
    jobs: dict[str, Json], other: Service
) -> None:
    job, model = anonymous(other, jobs), anonymous(MODEL, jobs)
    assert service_alone(job) == service_alone(model)
    assert task(job, "envoy") == task(model, "envoy")


@each_other_service
def test_every_application_starts_in_the_same_way(jobs: dict[str, Json], other: Service) -> None:
    job, model = anonymous(other, jobs), anonymous(MODEL, jobs)
    app, model_app = app_alone(job), app_alone(model)
    if not other.checks_tokens:  # such a service has no secrets, and reads a file that may change
        (own,), _ = app.pop("Templates"), model_app.pop("Templates")
        assert not own["Envvars"]
        assert own["ChangeMode"] == "noop"
        app["Config"]["args"].remove("--read=local")
        assert model_app["Config"].pop("work_dir") == "/"
    assert app == model_app


def test_both_migrations_differ_by_the_name_only(jobs: dict[str, Json]) -> None:
    first, second = (anonymous(each, jobs) for each in SERVICES if each.database)
    assert task(first, "migrate") == task(second, "migrate")


@pytest.mark.parametrize("part", ["Count", "Update", "Disconnect", "RestartPolicy"])
def test_the_jobs_whose_data_are_on_one_machine_wait_for_it_in_the_same_way(
    site: Site, part: str
) -> None:
    backup, logs, metrics = (only_group(read_job(site, each)) for each in (BACKUP, LOGS, METRICS))
    assert backup[part] == logs[part] == metrics[part]


def test_logs_and_metrics_are_on_the_first_machine(site: Site) -> None:
    logs, metrics = (read_job(site, each, node="node-7") for each in (LOGS, METRICS))
    (constraint,) = logs["Constraints"]
    assert constraint["RTarget"] == "node-7"
    assert metrics["Constraints"] == [constraint]


@pytest.mark.parametrize(
    ("job", "name"),
    [(BACKUP, BACKUP), (EXPORTER, "(?:postgres-)?exporter")],
    ids=[BACKUP, EXPORTER],
)
def test_the_sidecar_of_a_client_of_the_databases_is_like_those_of_the_services(
    site: Site, jobs: dict[str, Json], job: str, name: str
) -> None:
    sidecar = task(without_name(name, read_job(site, job)), "envoy")
    model = task(anonymous(MODEL, jobs), "envoy")
    assert {**sidecar, "Env": model["Env"]} == model  # it sends no traces
