"""agents.gossip: the order of a rotation's requests, its files, and lost answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.tests.http_server import serving
from cluster.tests.keyring import Ring
from tasktracker_cluster.agents import credentials, gossip
from tasktracker_cluster.errors import ApiError
from tasktracker_cluster.site import Site


@pytest.fixture(params=["consul", "nomad"])
def agent(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ring(site: Site, agent: str) -> Iterator[Ring]:
    """Give a keyring with the present key, which is in the configuration, too."""
    site.secrets.mkdir()
    rendered(site, agent).parent.mkdir(parents=True)
    with serving(Ring()) as ring:
        ring.keys = [credentials.gossip_key(site, agent)]
        rendered(site, agent).write_text(f'encrypt = "{ring.keys[0]}" # kept\n')
        yield ring


def rendered(site: Site, agent: str) -> Path:
    return site.agent / agent / "node.hcl"


def test_a_new_key_is_known_before_it_is_used_and_the_old_one_is_removed_last(
    site: Site, agent: str, ring: Ring
) -> None:
    old = ring.keys[0]
    gossip.use_new_key(site, agent, ring.api())
    new = credentials.gossip_key(site, agent)
    assert ring.keys == [new, old]
    gossip.remove_old_keys(site, agent, ring.api())
    assert ring.keys == [new] != [old]
    assert ring.done == ["install", "use", "remove"]
    assert rendered(site, agent).read_text() == f'encrypt = "{new}" # kept\n'
    assert rendered(site, agent).stat().st_mode & 0o777 == 0o600
    assert {file.name for file in site.secrets.iterdir()} == {f"{agent}-gossip.key"}


def test_an_interrupted_rotation_goes_on_with_the_same_key_and_removes_every_other(
    site: Site, agent: str, ring: Ring
) -> None:
    gossip.use_new_key(site, agent, ring.api())
    new = credentials.gossip_key(site, agent)
    ring.keys.append("a key of another rotation")
    gossip.use_new_key(site, agent, ring.api())
    gossip.remove_old_keys(site, agent, ring.api())
    assert ring.keys == [new]


def test_lost_answers_are_asked_for_again(site: Site, agent: str, ring: Ring) -> None:
    ring.losses = gossip.ATTEMPTS - 1
    gossip.use_new_key(site, agent, ring.api())
    assert ring.done == ["install", "use"]


def test_an_agent_that_never_answers_ends_the_rotation_with_its_words(
    site: Site, agent: str, ring: Ring
) -> None:
    old, ring.losses = ring.keys[0], gossip.ATTEMPTS
    with pytest.raises(ApiError) as raised:
        gossip.use_new_key(site, agent, ring.api())
    assert "1/2 nodes reported success" in raised.value.message
    assert credentials.gossip_key(site, agent) == old, "no file has a key that is not in use"
