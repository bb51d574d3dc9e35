"""The intentions allow exactly the connections that the jobs need."""

import json
import re

import pytest

from tasktracker_cluster.topology import BACKUP, COLLECTOR, DATABASES, EXPORTER, INTAKE
from tests.infra.reading import (
    ROOT,
    Edge,
    Entries,
    Json,
    intentions,
    is_routed,
    only_service,
    upstreams,
)


@pytest.fixture
def needed(
    mesh_jobs: dict[str, Json], members: dict[str, Json], collecting: dict[str, Json]
) -> set[Edge]:
    """Return the connections: through an upstream, or by Traefik (Connect native) to its routes.

    An upstream of one member leads to the service of all members.
    """
    edges = {
        (name, re.sub(r"-m[123]$", "", up))
        for name, job in (mesh_jobs | members | collecting).items()
        for up in upstreams(job)
    }
    return edges | {("traefik", name) for name, job in mesh_jobs.items() if is_routed(job)}


def test_intentions_allow_exactly_the_edges_that_jobs_use(
    entries: Entries, needed: set[Edge]
) -> None:
    assert intentions(entries).keys() == needed


def test_every_intention_allows_and_none_has_a_wildcard(entries: Entries) -> None:
    for edge, source in intentions(entries).items():
        actions = [rule["Action"] for rule in source.get("Permissions", [source])]
        assert set(actions) == {"allow"}, edge
        assert "*" not in edge


def test_the_portal_may_ask_for_health_and_documents_only(entries: Entries) -> None:
    asked = {
        edge: s["Permissions"] for edge, s in intentions(entries).items() if edge[0] == "portal"
    }
    assert asked
    for permissions in asked.values():
        rules = [rule["HTTP"] for rule in permissions]
        assert sorted(rule["PathExact"] for rule in rules) == ["/health", "/openapi.json"]
        assert all(rule["Methods"] == ["GET"] for rule in rules)


def test_stats_service_may_only_count_tasks(entries: Entries) -> None:
    intention = intentions(entries)["stats-service", "task-service"]
    (rule,) = [permission["HTTP"] for permission in intention["Permissions"]]
    assert rule == {"PathExact": "/api/v1/tasks/stats", "Methods": ["GET"]}


def test_only_traefik_may_do_more_than_read_at_the_user_service(entries: Entries) -> None:
    # TRUST_FORWARDED_FOR in the job relies on it: a service that could send a sign-in could forge
    # its source address.
    for (source, destination), intention in intentions(entries).items():
        if destination != "user-service" or source == "traefik":
            continue
        rules = [rule["HTTP"] for rule in intention["Permissions"]]
        assert all(rule["Methods"] == ["GET"] for rule in rules), source


def test_a_service_that_checks_tokens_may_ask_about_sessions_and_tokens_only(
    entries: Entries,
) -> None:
    found = intentions(entries)
    for name in ("task-service", "stats-service"):
        rules = [rule["HTTP"] for rule in found[name, "user-service"]["Permissions"]]
        assert [(rule["PathExact"], rule["Methods"]) for rule in rules] == [
            ("/internal/ended-sessions", ["GET"]),
            ("/internal/personal-token", ["GET"]),
        ]


def test_every_service_has_its_protocol(
    entries: Entries, mesh_jobs: dict[str, Json], collecting: dict[str, Json]
) -> None:
    protocols = {n: e["Protocol"] for (kind, n), e in entries.items() if kind == "service-defaults"}
    rest = {each.rest for each in DATABASES}
    tcp = {BACKUP, EXPORTER, *(each.name for each in DATABASES), *rest}
    names = (*mesh_jobs, *rest, *collecting)
    assert protocols == {name: "tcp" if name in tcp else "http" for name in names}


def test_only_traefik_is_in_the_mesh_without_a_sidecar(jobs: dict[str, Json]) -> None:
    native = {name for name, job in jobs.items() if only_service(job)["Connect"]["Native"]}
    assert native == {"traefik"}


def test_consul_gives_no_sidecars_certificate_over_http(
    mesh_jobs: dict[str, Json], collecting: dict[str, Json]
) -> None:
    agent = (ROOT / "consul" / "agent" / "base.hcl").read_text()
    blocked = set(re.findall(r'"/v1/agent/connect/ca/leaf/([\w-]+)"', agent))
    assert blocked == {
        *(n for n, job in mesh_jobs.items() if only_service(job)["Connect"]["SidecarService"]),
        *(each.rest for each in DATABASES),
        *collecting,
    }


def test_a_collector_may_only_add(entries: Entries) -> None:
    rules = [each["HTTP"] for each in intentions(entries)[COLLECTOR, INTAKE]["Permissions"]]
    assert rules == [
        {"PathExact": path, "Methods": ["POST"]}
        for path in ("/internal/insert", "/api/v1/write", "/v1/traces")
    ]


def test_no_database_has_a_route(mesh_jobs: dict[str, Json]) -> None:
    routed = {name for name, job in mesh_jobs.items() if is_routed(job)}
    assert routed == {"portal", "stats-service", "task-service", "user-service"}


def test_the_only_tag_of_a_job_enables_its_route(jobs: dict[str, Json]) -> None:
    for name, job in jobs.items():
        assert (only_service(job)["Tags"] or []) in ([], ["traefik.enable=true"]), name


def test_the_gateway_has_a_route_for_each_enabled_service(jobs: dict[str, Json]) -> None:
    template = (ROOT / "traefik" / "mesh.yml.tmpl").read_text()
    named = set(re.findall(r'(?m)^  "([\w-]+)" "/', template))
    assert named == {name for name, job in jobs.items() if is_routed(job)}


def test_each_member_reaches_each_by_its_number(entries: Entries, members: dict[str, Json]) -> None:
    for each in DATABASES:
        found = upstreams(members[each.name])
        assert found == {
            **{f"{each.name}-m{number}": 5440 + number for number in (1, 2, 3)},
            **{f"{each.rest}-m{number}": 8440 + number for number in (1, 2, 3)},
        }
        for service in (each.name, each.rest):
            for number in (1, 2, 3):
                redirect = entries["service-resolver", f"{service}-m{number}"]["Redirect"]
                assert redirect == {"Service": service, "ServiceSubset": f"m{number}"}
                subset = entries["service-resolver", service]["Subsets"][f"m{number}"]
                assert subset == {"Filter": f"Service.Meta.member == m{number}"}


def test_a_database_is_its_leader(entries: Entries) -> None:
    for each in DATABASES:
        resolver = entries["service-resolver", each.name]
        assert resolver["Subsets"][resolver["DefaultSubset"]] == {"OnlyPassing": True}


def test_a_database_reaches_nothing_of_consul_but_its_own_keys_and_sessions(
    jobs: dict[str, Json],
) -> None:
    for each in DATABASES:
        config = only_service(jobs[each.name])["Connect"]["SidecarService"]["Proxy"]["Config"]
        listener = json.loads(config["envoy_extra_static_listeners_json"])
        (chain,) = listener["filter_chains"]
        settings = chain["filters"][0]["typed_config"]
        (host,) = settings["route_config"]["virtual_hosts"]
        assert [route["match"] for route in host["routes"]] == [
            {"prefix": f"/v1/kv/service/{each.name}/"},
            {"path": "/v1/session/create"},
            {"prefix": "/v1/session/renew/"},
            {"prefix": "/v1/session/destroy/"},
        ]
        assert settings["normalize_path"]
        assert settings["path_with_escaped_slashes_action"] == "REJECT_REQUEST"


def test_no_two_programs_in_an_allocation_share_a_port(mesh_job: Json) -> None:
    own = [only_service(mesh_job)["PortLabel"], *map(str, upstreams(mesh_job).values())]
    assert len(own) == len(set(own))
