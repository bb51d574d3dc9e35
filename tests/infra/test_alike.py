"""The jobs of the services, which have a file each: what has to be the same in all of them is."""

import json
import re

import pytest

from tests.infra.reading import Json, only_group, only_service, tasks

SERVICES = ("user-service", "task-service", "stats-service", "portal")
MODEL = "user-service"


def anonymous(name: str, job: Json) -> Json:
    """The job without its own name, which its users, modules and roles have too."""
    noun = name.removesuffix("-service")
    # Not the wall's option `--user=`.
    text = re.sub(rf"(?<![a-z]){noun}(?:-service)?(?![a-z=])", "NAME", json.dumps(job))
    return dict(json.loads(text))


def group_alone(job: Json) -> Json:
    return {
        key: value for key, value in only_group(job).items() if key not in ("Tasks", "Services")
    }


def service_alone(job: Json) -> Json:
    """The service with its check and its sidecar, but without what each has of its own."""
    service = only_service(job)
    (check,) = service["Checks"]
    check["Path"] = "of its own"
    service["Connect"]["SidecarService"]["Proxy"]["Upstreams"] = "of its own"
    return {**service, "PortLabel": "of its own"}


def task(job: Json, name: str) -> Json:
    (found,) = [each for each in tasks(job) if each["Name"] == name]
    return found


def app_alone(job: Json) -> Json:
    """The application's task without its settings and the text of its secrets."""
    app = task(job, "app")
    templates = [{**each, "EmbeddedTmpl": "of its own"} for each in app["Templates"] or []]
    return {**app, "Env": "of its own", "Templates": templates}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_placed_updated_and_started_again_alike(
    jobs: dict[str, Json], name: str
) -> None:
    job, model = anonymous(name, jobs[name]), anonymous(MODEL, jobs[MODEL])
    assert group_alone(job) == group_alone(model)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_the_same_check_and_sidecar(jobs: dict[str, Json], name: str) -> None:
    job, model = anonymous(name, jobs[name]), anonymous(MODEL, jobs[MODEL])
    assert service_alone(job) == service_alone(model)


@pytest.mark.parametrize("name", SERVICES)
def test_every_application_is_started_alike(jobs: dict[str, Json], name: str) -> None:
    job, model = anonymous(name, jobs[name]), anonymous(MODEL, jobs[MODEL])
    app, model_app = app_alone(job), app_alone(model)
    if name == "portal":  # it has no secrets
        assert app.pop("Templates") == []
        model_app.pop("Templates")
    assert app == model_app


def test_both_migrations_differ_by_the_name_only(jobs: dict[str, Json]) -> None:
    first, second = (anonymous(name, jobs[name]) for name in ("user-service", "task-service"))
    assert task(first, "migrate") == task(second, "migrate")
