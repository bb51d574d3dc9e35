"""Whatever comes and goes while someone turns pages, no task is lost or seen twice."""

from collections.abc import Iterator
from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servicekit.testing.credentials import bearer
from task_service.domain.pagination import Sort

# Few values, so that many tasks are equal in the field of the sort.
BODIES = st.fixed_dictionaries(
    {"title": st.sampled_from(["a", "A", "b"])},
    optional={
        "priority": st.sampled_from(["low", "high"]),
        "due_date": st.sampled_from(["2030-01-01", "2030-01-02"]),
    },
)
# Between two pages: the tasks that come, and which tasks go.
MEANWHILE = st.tuples(st.lists(BODIES, max_size=3), st.lists(st.integers(0, 30), max_size=3))


def _create(client: httpx.Client, bodies: list[dict[str, Any]]) -> list[int]:
    return [client.post("/", json=body).json()["id"] for body in bodies]


@settings(
    max_examples=60,
    deadline=None,
    # Each example has a user of its own on the fixtures' database.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    bodies=st.lists(BODIES, max_size=12),
    sort=st.sampled_from(Sort),
    limit=st.integers(1, 4),
    meanwhile=st.lists(MEANWHILE, max_size=6),
)
def test_a_task_that_stays_is_seen_once_and_no_task_twice(
    ada: httpx.Client,
    user_ids: Iterator[int],
    bodies: list[dict[str, Any]],
    sort: Sort,
    limit: int,
    meanwhile: list[tuple[list[dict[str, Any]], list[int]]],
) -> None:
    ada.headers.update(bearer(next(user_ids)))
    first = _create(ada, bodies)
    everything, gone, seen = list(first), set[int](), list[int]()
    changes = iter(meanwhile)

    following = f"/?sort={sort}&limit={limit}"
    while following:
        answer = ada.get(following)
        seen += [task["id"] for task in answer.json()]
        assert len(seen) == len(set(seen))
        link = answer.links.get("next")
        following = link["url"].removeprefix("/api/v1/tasks") if link else ""
        come, go = next(changes, ([], []))
        everything += _create(ada, come)
        for task_id in {everything[n] for n in go if n < len(everything)} - gone:
            ada.delete(f"/{task_id}")
            gone.add(task_id)

    assert set(first) - gone <= set(seen) <= set(everything)
