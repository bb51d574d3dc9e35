"""Each of the domain's errors has a problem."""

from task_service.api.problems import PROBLEMS
from task_service.domain.errors import TaskError


def test_every_error_of_the_domain_has_a_status() -> None:
    assert set(PROBLEMS) == set(TaskError.__subclasses__())
