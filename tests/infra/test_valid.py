"""The files are valid for the programs that read them."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from servicekit import body_limit
from tasktracker_cluster.agents import certificates, pages
from tasktracker_cluster.jobs import deployment
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import ALL_MAIN_TASKS
from tests.infra.reading import ENTRY_FILES, ROOT, Consul, Json, only_service, run

POLICY_FILES = sorted((ROOT / "consul" / "acl").glob("*.hcl"))


@pytest.mark.parametrize("name", ALL_MAIN_TASKS)
def test_nomad_accepts_the_job(site: Site, name: str) -> None:
    result = run(site.bin / "nomad", "job", "validate", *deployment.source(name))
    assert result.returncode == 0, result.stderr
    assert "warning" not in result.stdout.lower()


def test_all_hcl_is_formatted(site: Site) -> None:
    result = run(site.bin / "nomad", "fmt", "-check", "-recursive", "nomad", "consul")
    assert (result.returncode, result.stdout) == (0, ""), result.stdout + result.stderr


def test_nomad_accepts_its_agents_configuration(site: Site) -> None:
    result = run(site.bin / "nomad", "config", "validate", site.agent / "nomad")
    assert result.returncode == 0, result.stdout + result.stderr


def test_consul_accepts_its_agents_configuration(site: Site) -> None:
    result = run(site.bin / "consul", "validate", site.agent / "consul")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("bind", ["127.0.0.1", "0.0.0.0"])
def test_envoy_accepts_the_configuration_of_the_pages_proxy(site: Site, bind: str) -> None:
    site = replace(site, bind=bind)
    folder, identity = site.pages, certificates.identity(site, certificates.PAGES)
    folder.mkdir(exist_ok=True)
    (folder / "authority.pem").write_text(certificates.authority(site).certificate)
    (folder / "certificate.pem").write_text(identity.certificate)
    (folder / "key.pem").write_text(identity.key)
    (folder / "envoy.yaml").write_text(pages.configuration(site))
    envoy = Path(sys.executable).with_name("envoy")
    result = run(envoy, "--mode", "validate", "-c", folder / "envoy.yaml")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("file", POLICY_FILES, ids=lambda file: file.stem)
def test_consul_accepts_the_policy(consul: Consul, file: Path) -> None:
    result = consul("acl", "policy", "create", "-name", file.stem, "-rules", f"@{file}")
    assert result.returncode == 0, result.stderr


def test_consul_keeps_each_entry_under_the_name_of_its_file(
    entries: dict[tuple[str, str], Json],
) -> None:
    assert len(entries) == len(ENTRY_FILES) > 0


def test_every_used_middleware_is_defined(jobs: dict[str, Json]) -> None:
    static = (ROOT / "traefik" / "traefik.yml.tmpl").read_text()
    tags = [tag for job in jobs.values() for tag in only_service(job)["Tags"] or []]
    used = set(re.findall(r"([\w-]+)@file", "\n".join([static, *tags])))
    defined = yaml.safe_load((ROOT / "traefik" / "dynamic.yml").read_text())["http"]["middlewares"]
    assert used
    assert used <= defined.keys()


def test_a_front_end_can_read_every_header_that_the_contract_has() -> None:
    dynamic = yaml.safe_load((ROOT / "traefik" / "dynamic.yml").read_text())["http"]
    cors = dynamic["middlewares"]["headers"]["headers"]
    assert {"ETag", "Idempotent-Replayed", "Link", "Location", "Retry-After"} <= set(
        cors["accessControlExposeHeaders"]
    )


def test_the_gateway_and_the_services_have_the_same_limit_for_bodies() -> None:
    dynamic = yaml.safe_load((ROOT / "traefik" / "dynamic.yml").read_text())["http"]
    edge = dynamic["middlewares"]["edge"]["plugin"]["edge"]
    assert edge["maxBodyBytes"] == body_limit.DEFAULT_LIMIT
