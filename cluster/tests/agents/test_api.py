"""The client of an agent's API: what it repeats, and what it says."""

import pytest

from cluster.tests.http_server import Agent, Refusal, Request, serving
from tasktracker_cluster.agents import api
from tasktracker_cluster.errors import ApiError, NotReadyError
from tasktracker_cluster.machine import wait

PATH = "/v1/client/metadata"
LOST = (
    '1 error occurred:\n\t* failed querying server "10.0.0.2:4647": rpc error: stream closed\n\n',
    "rpc error: session shutdown",
    "rpc error: EOF",
)


def _failing(agent: Agent, text: str, times: int, status: int = 500) -> list[str]:
    """Have so many calls refused. Return the methods of all that come."""
    came: list[str] = []

    def answer(request: Request) -> object:
        came.append(request.method)
        return Refusal(status, text) if len(came) <= times else {"Meta": {}}

    agent.answers[PATH] = answer
    return came


@pytest.mark.parametrize("text", LOST)
def test_a_read_that_found_a_lost_connection_between_servers_is_repeated(text: str) -> None:
    with serving(Agent()) as agent:
        came = _failing(agent, text, times=api.TRIES - 1)
        assert agent.api().call("GET", PATH) == {"Meta": {}}
    assert came == ["GET"] * api.TRIES


def test_a_lost_connection_that_stays_lost_is_an_error() -> None:
    with serving(Agent()) as agent:
        came = _failing(agent, LOST[0], times=api.TRIES)
        with pytest.raises(
            ApiError, match=r"(?s)answered 500 to GET .*: rpc error: stream closed\."
        ):
            agent.api().call("GET", PATH)
    assert len(came) == api.TRIES


def test_a_write_is_sent_once() -> None:
    """It may have been done, although its answer was lost."""
    with serving(Agent()) as agent:
        came = _failing(agent, LOST[0], times=1)
        with pytest.raises(ApiError, match="answered 500 to POST"):
            agent.api().call("POST", PATH, {})
    assert came == ["POST"]


@pytest.mark.parametrize(
    ("status", "text"), [(500, "No cluster leader"), (403, "rpc error: EOF"), (500, "EOF")]
)
def test_another_refusal_is_not_repeated(status: int, text: str) -> None:
    with serving(Agent()) as agent:
        came = _failing(agent, text, times=1, status=status)
        with pytest.raises(ApiError, match=f"answered {status} to GET"):
            agent.api().call("GET", PATH)
    assert len(came) == 1


def test_an_agent_that_does_not_listen_is_an_error_with_a_hint() -> None:
    with serving(Agent()) as agent:
        client = agent.api()
    with pytest.raises(ApiError, match="Agent cannot be reached at") as raised:
        client.call("GET", PATH)
    assert "./just status" in (raised.value.hint or "")


ELECTING = (
    (500, "No cluster leader"),
    (500, "rpc error: failed to get conn: dial tcp 10.0.0.2:4647: connect: connection refused"),
    (500, "rpc error making call: EOF"),
    (500, "leadership lost while committing log"),
    (500, "rpc error: Not ready to serve consistent reads"),
    (404, "No path to node"),
    (429, "Your IP is issuing too many concurrent connections"),
)


def _patient(agent: Agent, patience: float) -> api.Api:
    client = agent.api()
    client.patience = patience
    return client


@pytest.mark.parametrize(("status", "text"), ELECTING)
def test_a_command_waits_for_a_leader(status: int, text: str) -> None:
    with serving(Agent()) as agent:
        came = _failing(agent, text, times=5, status=status)
        assert _patient(agent, api.PATIENCE_SECONDS).call("GET", PATH) == {"Meta": {}}
    assert came == ["GET"] * 6


def test_what_may_be_missing_is_waited_for_during_an_election_only() -> None:
    """The logs of an instance are missing at once whose machine was lost."""
    with serving(Agent()) as agent:
        came = _failing(agent, "No cluster leader", times=2)
        assert _patient(agent, api.PATIENCE_SECONDS).find(PATH) == {"Meta": {}}
        assert len(came) == 3
        came = _failing(agent, "No path to node", times=1, status=404)
        assert _patient(agent, api.PATIENCE_SECONDS).find(PATH) is None
        assert len(came) == 1


def test_without_a_leader_a_write_is_not_done_and_is_sent_again() -> None:
    with serving(Agent()) as agent:
        came = _failing(agent, "No cluster leader", times=2)
        assert _patient(agent, api.PATIENCE_SECONDS).call("PUT", PATH, {}) == {"Meta": {}}
    assert came == ["PUT"] * 3


def test_a_write_that_a_lost_leader_may_have_done_is_sent_once() -> None:
    with serving(Agent()) as agent:
        came = _failing(agent, "leadership lost while committing log", times=1)
        with pytest.raises(ApiError, match="answered 500 to PUT"):
            _patient(agent, api.PATIENCE_SECONDS).call("PUT", PATH, {})
    assert came == ["PUT"]


def test_a_key_gets_its_value_again_when_a_leader_is_lost_unless_it_is_compared() -> None:
    key = f"{api.KEYS}a"
    with serving(Agent()) as agent:
        refusals = iter([Refusal(500, "leadership lost while committing log")] * 2)
        agent.answers[key] = lambda _: next(refusals, True)
        assert _patient(agent, api.PATIENCE_SECONDS).call("PUT", key, 1) is True
        agent.answers[key] = Refusal(500, "leadership lost while committing log")
        with pytest.raises(ApiError, match="answered 500 to PUT"):
            _patient(agent, api.PATIENCE_SECONDS).call("PUT", key, 1, cas="7")


def test_patience_has_an_end() -> None:
    with serving(Agent()) as agent:
        came = _failing(agent, "No cluster leader", times=1000)
        with pytest.raises(ApiError, match="No cluster leader"):
            _patient(agent, 0.3).call("GET", PATH)
    assert 1 < len(came) < 1000


@pytest.mark.parametrize(("status", "text"), [(403, "Permission denied"), (500, "a defect")])
def test_another_refusal_ends_patience_at_once(status: int, text: str) -> None:
    with serving(Agent()) as agent:
        came = _failing(agent, text, times=1, status=status)
        with pytest.raises(ApiError) as raised:
            _patient(agent, api.PATIENCE_SECONDS).call("GET", PATH)
    assert not raised.value.passes
    assert len(came) == 1


@pytest.mark.parametrize(("status", "text"), ELECTING)
def test_a_wait_for_a_condition_goes_on_while_the_servers_elect(status: int, text: str) -> None:
    with serving(Agent()) as agent:
        _failing(agent, text, times=4, status=status)
        found = wait.until("the metadata", lambda: agent.api().call("GET", PATH), 60)
    assert found == {"Meta": {}}


def test_a_wait_without_a_leader_ends_with_the_last_reason() -> None:
    with serving(Agent()) as agent:
        _failing(agent, "No cluster leader", times=1000)
        with pytest.raises(NotReadyError, match=r"for the metadata, .*: No cluster leader\."):
            wait.until("the metadata", lambda: agent.api().call("GET", PATH), 0)


def test_a_wait_for_an_agent_that_does_not_listen_ends_with_its_hint() -> None:
    with serving(Agent()) as agent:
        client = agent.api()
    with pytest.raises(NotReadyError, match="Agent cannot be reached at") as raised:
        wait.until("the metadata", lambda: client.call("GET", PATH), 0)
    assert "./just status" in (raised.value.hint or "")


def test_a_wait_does_not_go_on_after_another_refusal() -> None:
    with serving(Agent()) as agent:
        came = _failing(agent, "Permission denied", times=1000, status=403)
        with pytest.raises(ApiError, match="Permission denied"):
            wait.until("the metadata", lambda: agent.api().call("GET", PATH), 60)
    assert len(came) == 1
