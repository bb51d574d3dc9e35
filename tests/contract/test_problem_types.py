"""A problem type means the same in every service."""

from collections import defaultdict
from collections.abc import Iterator

from servicekit import database, errors, problems
from servicekit.problems import ProblemType
from stats_service.api import problems as stats
from task_service.api import problems as task
from user_service.api import problems as user


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

    assert by_slug["unauthenticated"] == {(401, "Unauthenticated")}
    assert {slug: found for slug, found in by_slug.items() if len(found) > 1} == {}
