"""doctor.hops: the finding of a broken hop, and the hops after it."""

from typing import NoReturn

import pytest

from tasktracker_cluster.doctor import hops
from tasktracker_cluster.doctor.hops import Finding, Hop, Path
from tasktracker_cluster.errors import ApiError, BrokenHopError


def works() -> str:
    return "seen"


def breaks() -> NoReturn:
    raise BrokenHopError("it is gone", "./just up")


def states(*paths: Path) -> list[tuple[str, str, str]]:
    return [(each.path, each.hop, each.state) for each in hops.diagnose(paths)]


def test_a_working_hop_is_ok_with_its_detail() -> None:
    (finding,) = hops.diagnose([Path("one", [Hop("first", works)])])
    assert finding == Finding("one", "first", "ok", "seen")


def test_behind_a_broken_hop_the_rest_of_its_path_is_skipped() -> None:
    path = Path("one", [Hop("first", works), Hop("second", breaks), Hop("third", works)])
    assert [state for _, _, state in states(path)] == ["ok", "broken", "skipped"]


def test_after_a_broken_path_that_is_not_shared_the_others_are_probed() -> None:
    broken, other = Path("one", [Hop("first", breaks)]), Path("two", [Hop("first", works)])
    assert states(broken, other) == [("one", "first", "broken"), ("two", "first", "ok")]


def test_behind_a_broken_shared_path_every_path_is_skipped() -> None:
    shared = Path("machine", [Hop("first", breaks)], shared=True)
    later = [Path(name, [Hop("first", works)]) for name in ("one", "two")]
    assert [state for _, _, state in states(shared, *later)] == ["broken", "skipped", "skipped"]


def test_a_shared_path_that_works_blocks_nothing() -> None:
    shared = Path("machine", [Hop("first", works)], shared=True)
    assert [state for _, _, state in states(shared, Path("one", [Hop("first", works)]))] == [
        "ok",
        "ok",
    ]


@pytest.mark.parametrize("message", ["it is gone", "it is gone."])
def test_a_broken_hop_has_the_errors_message_without_full_stop_and_its_repair(
    message: str,
) -> None:
    def probe() -> str:
        raise ApiError(message, "./just up")

    (finding,) = hops.diagnose([Path("one", [Hop("first", probe)])])
    assert finding == Finding("one", "first", "broken", "it is gone", "./just up")


def test_a_finding_comes_before_the_next_hop_is_probed() -> None:
    probed: list[str] = []

    def hop(name: str) -> Hop:
        def probe() -> str:
            probed.append(name)
            return "seen"

        return Hop(name, probe)

    next(hops.diagnose([Path("one", [hop("first"), hop("second")])]))
    assert probed == ["first"]


def test_another_exception_than_an_admin_error_is_raised() -> None:
    def probe() -> str:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        list(hops.diagnose([Path("one", [Hop("first", probe)])]))
