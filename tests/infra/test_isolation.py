"""Secrets, ports and networks: a task has no more than it needs."""

import re
from collections.abc import Iterator

from cluster.tests.fake_cluster import FakeCluster
from cluster.tests.http_server import Agent, serving
from cluster.tests.nomad_server import Nomad
from tasktracker_cluster.jobs import passwords
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import BACKUP
from tests.infra.reading import ROOT, Json, only_group, tasks

# The names of variables whose values are secrets.
SECRET = re.compile(r"(?i)(secret|password|token|database_url|_key)")
RENDERS_SECRET = re.compile(r'nomadVar|env "\w*TOKEN"')
ASSIGNMENT = re.compile(r"(?m)^\s*(\w+)\s*=\s*(.*)$")
FROM_VARIABLE = re.compile(
    r'nomadVar "([^"]+)" [^@]*postgresql://{{ \.database_role }}:{{ \.database_password }}@'
)
LITERAL_PASSWORD = re.compile(r"://[^:/\s]+:(?!\{\{)[^@\s]+@")


def templates(task: Json) -> Iterator[Json]:
    yield from task.get("Templates") or []


def secrets_of(task: Json) -> set[str]:
    """Return the names of the secrets in the task's environment."""
    return {
        name
        for template in templates(task)
        if template["Envvars"]
        for name, _ in ASSIGNMENT.findall(template["EmbeddedTmpl"])
        if SECRET.search(name)
    }


def test_a_task_reads_only_the_variable_of_its_own_path(mesh_job: Json) -> None:
    group = only_group(mesh_job)
    for task in tasks(mesh_job):
        own = f'nomadVar "nomad/jobs/{mesh_job["ID"]}/{group["Name"]}/{task["Name"]}"'
        for template in templates(task):
            text = template["EmbeddedTmpl"]
            assert text.count("nomadVar") == text.count(own), task["Name"]


def test_documents_name_every_variable_that_a_job_reads(mesh_jobs: dict[str, Json]) -> None:
    read = {
        path
        for job in mesh_jobs.values()
        for task in tasks(job)
        for template in templates(task)
        for path in re.findall(r'nomadVar "([^"]+)"', template["EmbeddedTmpl"])
    }
    text = (ROOT / "docs" / "operations" / "reference.md").read_text()
    assert set(re.findall(r"nomad/jobs/[\w-]+/\w+/\w+", text)) == read


def test_no_secret_is_written_in_a_job(mesh_job: Json) -> None:
    for task in tasks(mesh_job):
        assert not [name for name in task.get("Env") or {} if SECRET.search(name)]
        for template in templates(task):
            for name, value in ASSIGNMENT.findall(template["EmbeddedTmpl"]):
                assert not SECRET.search(name) or "{{" in value, name
            assert not LITERAL_PASSWORD.search(template["EmbeddedTmpl"])


def test_a_file_with_secrets_is_private(mesh_job: Json) -> None:
    for task in tasks(mesh_job):
        for template in templates(task):
            if RENDERS_SECRET.search(template["EmbeddedTmpl"]):
                assert template["Perms"] == "0600", template["DestPath"]
                assert template["DestPath"].startswith("${NOMAD_SECRETS_DIR}/")


def holders(jobs: dict[str, Json], variable: str) -> set[tuple[str, str]]:
    """Return the jobs and tasks that have the variable."""
    return {
        (name, task["Name"])
        for name, job in jobs.items()
        for task in tasks(job)
        if variable in secrets_of(task)
    }


def test_only_the_user_service_can_sign_tokens(mesh_jobs: dict[str, Json]) -> None:
    signer = ("user-service", "app")
    assert holders(mesh_jobs, "JWT_PRIVATE_KEY") == {signer}
    assert holders(mesh_jobs, "SECRET_KEY") == set()
    checking = {signer, ("task-service", "app"), ("stats-service", "app")}
    assert holders(mesh_jobs, "JWT_PUBLIC_KEYS") == checking


def test_the_portal_holds_no_secret(jobs: dict[str, Json]) -> None:
    (listed,) = [template for task in tasks(jobs["portal"]) for template in templates(task)]
    assert not RENDERS_SECRET.search(listed["EmbeddedTmpl"])
    assert not listed["Envvars"]


def test_an_application_connects_as_a_role_that_is_not_its_migrations(
    jobs: dict[str, Json], site: Site
) -> None:
    with serving(Nomad()) as nomad:
        passwords.make(FakeCluster(site, nomad, Agent()))
    for name in ("user-service", "task-service"):
        roles = {
            task["Name"]: nomad.variables[path]["database_role"]
            for task in tasks(jobs[name])
            for template in templates(task)
            for path in re.findall(FROM_VARIABLE, template["EmbeddedTmpl"])
        }
        noun = name.removesuffix("-service")
        assert roles == {"migrate": f"{noun}_owner", "app": f"{noun}_app"}


def test_only_the_gateway_has_fixed_ports_and_the_hosts_network(mesh_jobs: dict[str, Json]) -> None:
    for name, job in mesh_jobs.items():
        (network,) = only_group(job)["Networks"]
        fixed = {port["Label"]: port["Value"] for port in network["ReservedPorts"] or []}
        if name == "traefik":
            assert network["Mode"] == "host"
            assert fixed == {"web": 8000, "errors": 8005, "dashboard": 8080}
        else:
            assert network["Mode"] == "bridge", name
            assert not fixed, name
            # For metrics, of the application and of the sidecar, and for the check of a database.
            own = {"patroni"} if name.endswith("-db") else {"metrics"}
            expected = set() if name == BACKUP else own | {"sidecar"}
            assert {port["Label"] for port in network["DynamicPorts"] or []} == expected, name


def test_a_job_names_no_folder_of_this_machine(mesh_job: Json) -> None:
    for task in tasks(mesh_job):
        words = [task["Config"]["command"], *task["Config"]["args"]]
        names = [word for word in words if word.startswith("/")]
        assert all(name.startswith(("/bin/", "/usr/lib/", "/dev/fd/")) for name in names), names


def test_anonymous_callers_may_only_read() -> None:
    for agent in ("consul", "nomad"):
        policy = (ROOT / agent / "acl" / "anonymous.hcl").read_text()
        assert set(re.findall(r'=\s*"(\w+)"', policy)) == {"read"}, agent
        assert "capabilities" not in policy  # another way to allow something
