"""agents.credentials: tokens that are made once, and the error for a lost one."""

import base64
import os
import stat
import subprocess
import sys
import uuid
from dataclasses import astuple, fields

import pytest

from tasktracker_cluster.agents import credentials
from tasktracker_cluster.agents.credentials import Tokens
from tasktracker_cluster.errors import StaleStateError
from tasktracker_cluster.site import Site

LOAD_AS_NOBODY = """
import os, sys
from pathlib import Path
from tasktracker_cluster.agents import credentials
from tasktracker_cluster.errors import NotRootError
from tasktracker_cluster.site import Site
os.seteuid(65534)
try:
    credentials.load(Site(Path(sys.argv[1]), Path("/")))
except NotRootError as error:
    print(error.hint)
"""


def test_new_tokens_are_four_uuids_that_only_their_user_reads(site: Site) -> None:
    credentials.create(site)
    tokens = astuple(credentials.load(site))
    assert len({uuid.UUID(token) for token in tokens}) == len(fields(Tokens))
    assert stat.S_IMODE(site.secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in site.secrets.iterdir()} == {0o600}


def test_existing_tokens_are_kept_and_a_missing_one_is_made(site: Site) -> None:
    credentials.create(site)
    before = credentials.load(site)
    credentials.path(site, "consul_agent").unlink()
    credentials.create(site)
    after = credentials.load(site)
    assert after.nomad_management == before.nomad_management
    assert after.consul_agent != before.consul_agent


def test_agents_that_have_data_get_no_other_tokens(site: Site) -> None:
    (site.home / "consul" / "raft").mkdir(parents=True)
    credentials.create(site)
    assert not site.secrets.exists()


def test_a_lost_token_is_an_error_with_its_name_and_a_hint(site: Site) -> None:
    site.home.mkdir(exist_ok=True)
    site.owner_file.write_text("{}")
    credentials.create(site)
    credentials.path(site, "nomad_management").unlink()
    with pytest.raises(StaleStateError, match=r"has no nomad-management\.token") as raised:
        credentials.load(site)
    assert "./just destroy" in raised.value.hint


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_unreadable_tokens_are_an_error_with_a_hint_to_use_sudo(site: Site) -> None:
    credentials.create(site)
    done = subprocess.run(
        [sys.executable, "-c", LOAD_AS_NOBODY, site.home],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "Run the command with sudo.\n"


def test_tokens_are_not_shown_by_accident(site: Site) -> None:
    credentials.create(site)
    tokens = credentials.load(site)
    assert not [token for token in astuple(tokens) if token in repr(tokens)]


def test_a_gossip_key_is_32_bytes_made_once_for_each_agent(site: Site) -> None:
    site.secrets.mkdir()
    key = credentials.gossip_key(site, "consul")
    assert len(base64.b64decode(key)) == 32
    assert credentials.gossip_key(site, "consul") == key
    assert credentials.gossip_key(site, "nomad") != key
