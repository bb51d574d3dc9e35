"""A problem type means the same in every service, and docs/problems.md has it."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from portal_service.api import gateway_errors
from servicekit import database, errors, problems
from servicekit.problems import ProblemType
from stats_service.api import problems as stats
from task_service.api import problems as task
from user_service.api import problems as user

ROOT = Path(__file__).parents[2]


def problem_types() -> Iterator[ProblemType]:
    for table in (database.PROBLEMS, stats.PROBLEMS, task.PROBLEMS, user.PROBLEMS):
        yield from table.values()
    for module in (problems, errors):
        for each in vars(module).values():
            found = getattr(each, "problem_type", each)
            if isinstance(found, ProblemType):
                yield found


def test_each_type_has_one_status_and_one_title() -> None:
    by_slug = defaultdict(set)
    for each in problem_types():
        by_slug[each.slug].add((each.status, each.title))

    # An HTTPException has the type of its bare status, as the gateway's own answers have.
    for status in {each.status for each in problem_types()}:
        bare = problems.of_status(status)
        if bare.slug in by_slug:
            by_slug[bare.slug].add((status, bare.title))

    assert by_slug["unauthenticated"] == {(401, "Unauthenticated")}
    assert {slug: found for slug, found in by_slug.items() if len(found) > 1} == {}


def test_the_page_has_every_type_and_no_other() -> None:
    page = (ROOT / "docs" / "problems.md").read_text()
    rows = {
        (slug, int(status)) for slug, status in re.findall(r"(?m)^\| `([a-z-]+)` \| (\d+) \|", page)
    }
    own = {(each.slug, each.status) for each in problem_types()}
    # The last ones are those of the gateway's plugin (edge.go), and servicekit's 500.
    statuses = {*gateway_errors.PROBLEM_TYPES, 400, 404, 405, 408, 413, 500}
    assert rows == own | {(problems.of_status(each).slug, each) for each in statuses}
