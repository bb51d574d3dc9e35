"""The supervisor's program `membership`: its configuration, read and run as the supervisor does."""

import shlex
import subprocess
import sys
from configparser import RawConfigParser
from dataclasses import replace
from pathlib import Path

import pytest
from supervisor.datatypes import dict_of_key_value_pairs

from tasktracker_cluster.agents import certificates, membership_program
from tasktracker_cluster.agents.certificates import MEMBERSHIP, RENEWED_BEFORE_END, TOOLS, Role
from tasktracker_cluster.site import Site


@pytest.fixture
def site(site: Site) -> Site:
    for folder in (site.secrets, site.agent, site.logs):
        folder.mkdir()
    (site.checkout / "cluster" / "src").mkdir(parents=True)
    return site


def setting(site: Site, name: str) -> str:
    # As supervisor reads it: % begins a reference.
    conf = RawConfigParser(inline_comment_prefixes=(";", "#"))
    conf.read(membership_program.file(site))
    return conf["program:membership"][name] % {}


def command(site: Site) -> list[str]:
    return shlex.split(setting(site, "command"))


def test_it_runs_from_a_checkout_with_special_characters_and_its_errors_are_logged(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "it's 50%s;$HOME" / "python"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\necho "$@" >&2\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    membership_program.render(site)

    subprocess.run(command(site), check=True)

    arguments = f"-m tasktracker_cluster.membership {site.agent}/supervisord.conf\n"
    assert (site.logs / "membership.log").read_text() == arguments


def test_what_has_not_changed_is_not_restarted(site: Site) -> None:
    assert membership_program.render(site)
    assert not membership_program.render(site)


def test_other_code_restarts_it(site: Site) -> None:
    membership_program.render(site)
    (site.checkout / "cluster" / "src" / "new.py").write_text("VALUE = 1\n")
    assert membership_program.render(site)


@pytest.mark.parametrize("instances", [None, 1, 3])
def test_it_adds_no_more_instances_than_up_was_told(
    site: Site, monkeypatch: pytest.MonkeyPatch, instances: int | None
) -> None:
    membership_program.render(replace(site, instances=instances))
    for name, value in dict_of_key_value_pairs(setting(site, "environment")).items():
        monkeypatch.setenv(name, value)
    assert Site.from_environment().instances == instances
    assert membership_program.render(replace(site, instances=2)), "it is restarted"


@pytest.mark.parametrize("role", [MEMBERSHIP, TOOLS])
def test_a_renewed_certificate_restarts_it(site: Site, role: Role) -> None:
    ending = certificates.issue(certificates.authority(site), role, RENEWED_BEFORE_END * 1.01)
    certificates.write(site, role.name, ending)
    membership_program.render(site)
    ending = certificates.issue(certificates.authority(site), role, RENEWED_BEFORE_END / 2)
    certificates.write(site, role.name, ending)
    assert membership_program.render(site)
    assert certificates.identity(site, role).remaining > RENEWED_BEFORE_END
