"""The client of an agent's API: what it repeats, and what it says."""

import pytest

from cluster.tests.http_server import Agent, Refusal, Request, serving
from tasktracker_cluster.agents import api
from tasktracker_cluster.errors import ApiError

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
