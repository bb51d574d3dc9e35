"""The benchmark measures, and refuses invalid measurements. The figures themselves are no tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from starlette.applications import Starlette
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bench.__main__ import main
from bench.errors import BenchError
from bench.figure import Better, Figure, Pair
from bench.figures import observing
from bench.results import Result
from bench.results import compare as compare_results
from bench.rounds import compare
from bench.stage import Stage
from bench.wrk import Request, load, read
from servicekit.testing.live_server import serving

NOBODY = 65534  # the user id of `nobody`
GOOD = {"requests": 10, "microseconds": 2_000_000, "p50": 500, "p99": 900,
        "refused": 0, "broken": 0, "late": 0}  # fmt: skip


def bench(*words: str, user: int | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *words],
        capture_output=True,
        text=True,
        check=False,
        user=user,
    )


def test_figures_are_measured_and_printed_and_their_results_can_be_compared(
    tmp_path: Path,
) -> None:
    file = str(tmp_path / "results.json")
    measured = bench("1", "13", "--rounds", "1", "--seconds", "1", "--json", file)
    compared = bench("compare", file, file)

    assert (measured.returncode, measured.stderr) == (0, "")
    head, one, created, completed, _, processor, *times = measured.stdout.splitlines()
    assert head.split() == ["#", "what", "against", "target", "ratio", "rounds", "noise"]
    assert one.startswith(" 1  requests/s for one task, with auth")
    assert "≥0.7 " in one
    assert created.startswith("13  tasks created per second")
    assert completed.startswith("13  tasks completed per second")
    assert processor.split()[:3] == ["#", "processor", "time"]
    assert len(times) == 6
    assert all(" PostgreSQL " in line for line in times)

    assert (compared.returncode, compared.stderr) == (0, "")
    _, *lines = compared.stdout.splitlines()
    assert len(lines) == 3
    assert all(line.endswith("+0%  within the noise") for line in lines)


def test_a_change_beyond_the_noise_is_told_from_one_within_it() -> None:
    def result(ratio: float) -> Result:
        return Result(1, "requests", 0.6, ratio, [0.9 * ratio, 1.1 * ratio], [0.95, 1.05])

    *_, within = compare_results([result(0.50)], [result(0.54)])
    *_, beyond = compare_results([result(0.50)], [result(0.60)])

    assert within.endswith("+8%  within the noise")
    assert beyond.endswith("+20%  changed")


def test_a_file_without_results_cannot_be_compared(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text('[{"number": 1}]')
    for name in (other, tmp_path / "missing.json"):
        done = bench("compare", str(name), str(name))
        assert done.returncode == 1
        assert done.stderr.startswith(f"bench: {name} has no results of `bench --json`")


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["99"], "there is no figure 99; there are 1 to 15"),
        (["one"], "there is no figure one; there are 1 to 15"),
        (["1", "--rounds", "0"], "0 is not a whole number from 1 on"),
        (["1", "--seconds", "0.5"], "0.5 is not a time from 1 to 3600 seconds"),
        (["1", "--seconds", "nan"], "nan is not a time from 1 to 3600 seconds"),
        (["1", "--json", "/nowhere/x.json"], "/nowhere/x.json cannot be a file"),
        (["grow", "--most-rows", "many"], "many is not a whole number from 1 on"),
        (["compare", "before.json"], "the following arguments are required: after"),
    ],
)
def test_a_wrong_argument_is_named_before_anything_is_measured(
    words: list[str], fault: str
) -> None:
    done = bench(*words)

    assert (done.returncode, done.stdout) == (2, "")
    assert fault in done.stderr.splitlines()[-1]


def test_a_load_is_read_as_requests_per_second_and_seconds() -> None:
    result = read(GOOD)

    assert (result.rate, result.p50, result.p99) == (5, 0.0005, 0.0009)


@pytest.mark.parametrize("failure", [{"requests": 0}, {"refused": 1}, {"broken": 1}, {"late": 1}])
def test_a_load_with_a_request_that_was_not_served_is_an_error(failure: dict[str, Any]) -> None:
    with pytest.raises(BenchError):
        read({**GOOD, **failure})


def test_refused_and_redirected_requests_are_found_on_a_real_connection() -> None:
    def refuse(_: object) -> Response:
        return Response(status_code=500)

    def redirect(_: object) -> Response:
        return RedirectResponse("/")

    app = Starlette(routes=[Route("/refuse", refuse), Route("/redirect", redirect)])
    with serving(app) as port:
        url = f"http://127.0.0.1:{port}"
        with pytest.raises(BenchError, match="not served"):
            load(Request(f"{url}/refuse", {}), connections=1, seconds=1)
        with pytest.raises(BenchError, match="answers 307"):
            Request(f"{url}/redirect", {}).check()


def test_a_load_on_a_closed_port_is_an_error() -> None:
    request = Request("http://127.0.0.1:1/", {})
    with pytest.raises(BenchError, match="wrk ended with 1"):
        load(request, connections=1, seconds=1)
    with pytest.raises(BenchError, match="does not answer"):
        request.check()


def test_ours_is_compared_with_the_references_before_and_after_it() -> None:
    references = iter([1.0, *[2.0, 8.0] * 3])  # the first one is the warm-up
    pair = Pair(ours=lambda _: 2.0, reference=lambda _: next(references))

    comparison = compare(pair, rounds=3, seconds=1)

    assert (comparison.ratios, comparison.ratio) == ([0.5] * 3, 0.5)
    assert comparison.noise == [4.0] * 3


def test_a_figure_that_takes_minutes_is_measured_in_fewer_rounds() -> None:
    @contextmanager
    def prepare(_: Stage) -> Iterator[Pair]:
        yield Pair(ours=lambda _: 1, reference=lambda _: 1)

    quick = Figure(1, "", "", Better.LOWER, 1, prepare)
    slow = Figure(1, "", "", Better.LOWER, 1, prepare, most_rounds=3)

    assert (quick.rounds(5), slow.rounds(5), slow.rounds(1)) == (5, 3, 1)


def test_the_cost_of_observing_is_measured_for_more_than_one_question_for_metrics() -> None:
    assert {figure.seconds(3) for figure in observing.FIGURES} == {10}
    assert {figure.seconds(30) for figure in observing.FIGURES} == {30}


@pytest.mark.parametrize(("figure", "traces"), [(7, False), (15, True)])
def test_what_stores_traces_is_built_where_a_chosen_figure_needs_it(
    monkeypatch: pytest.MonkeyPatch, figure: int, traces: bool
) -> None:
    asked = []

    def installed(*, traces: bool) -> NoReturn:
        asked.append(traces)
        raise BenchError("it is not installed here")

    monkeypatch.setattr("bench.stage.throwaway.installed", installed)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("signal.signal", lambda *_: None)  # for a program of its own
    with pytest.raises(SystemExit, match="not installed here"):
        main([str(figure)])
    assert asked == [traces]


def test_a_figure_of_a_whole_cluster_needs_root() -> None:
    done = bench("7", user=NOBODY if os.geteuid() == 0 else None)

    assert done.returncode == 1
    assert "need root" in done.stderr
    assert "Traceback" not in done.stderr
