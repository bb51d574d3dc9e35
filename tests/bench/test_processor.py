"""The processor time of real programs, and of a request in them."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from bench.errors import BenchError
from bench.figure import Better, Figure, Pair
from bench.processor import LOAD, Metered, seconds_of
from bench.processor_table import HEAD, lines
from bench.results import Result
from bench.rounds import Comparison
from bench.wrk import Load

# Each word of its input is the number of seconds that a child process keeps a processor busy.
PROGRAM = """
import subprocess, sys
BUSY = "import sys, time\\nwhile time.process_time() < float(sys.argv[1]): pass"
for word in sys.stdin:
    subprocess.run([sys.executable, "-c", BUSY, word], check=True)
    print("done", flush=True)
"""
LOADED = Load(requests=10, rate=5, p50=0, p99=0)


@pytest.fixture
def program() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()


def keep_busy(process: "subprocess.Popen[str]", seconds: float) -> None:
    assert process.stdin
    assert process.stdout
    print(seconds, file=process.stdin, flush=True)
    process.stdout.readline()


def test_the_time_of_a_child_that_has_ended_is_its_programs(
    program: "subprocess.Popen[str]",
) -> None:
    before = seconds_of({"program": program.pid})
    keep_busy(program, 0.3)
    assert (
        seconds_of({"program": program.pid})["program"] > before["program"] + 0.25
    )  # it counts in 0.01 s


def test_a_program_that_has_ended_has_no_time() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    assert seconds_of({"ended": ended.pid}) == {"ended": 0}


def test_a_program_that_does_not_run_cannot_be_measured() -> None:
    with pytest.raises(BenchError, match="Envoy does not run"):
        Metered(lambda _: LOADED, {"Envoy": 0})


def test_a_load_measures_the_time_of_a_request_in_each_program(
    program: "subprocess.Popen[str]",
) -> None:
    def load(_: float) -> Load:
        keep_busy(program, 0.3)
        return LOADED

    with subprocess.Popen(["sleep", "60"]) as idle:
        measured = Metered(load, {"busy": program.pid, "idle": idle.pid})
        assert measured(1) == LOADED.rate
        idle.terminate()

    assert measured.microseconds["busy"] > 25_000  # 0.3 s for ten requests, counted in 0.01 s
    assert measured.microseconds["idle"] == 0
    assert measured.microseconds[LOAD] == 0  # no wrk ran


def test_the_table_has_both_sides_of_the_figures_that_measure_it() -> None:
    def result(figure: Figure, processor: dict[str, dict[str, float]]) -> Result:
        return Result(figure.number, figure.what, 1, 1, [1], [1], {**processor})

    timed, other = (
        Figure(number, what, "the peer", Better.HIGHER, 1, lambda _: pytest.fail("not measured"))
        for number, what in ((1, "one task"), (3, "p99"))
    )
    sides: dict[str, dict[str, float]] = {
        "ours": {"service": 200.4, LOAD: 20},
        "reference": {"peer": 100},
    }
    printed = [*lines([timed, other], [result(timed, sides), result(other, {})])]

    assert printed[:2] == ["", HEAD]
    assert [" ".join(line.split()) for line in printed[2:]] == [
        "1 one task 220 service 200, wrk 20",
        "the peer 100 peer 100",
    ]
    assert [*lines([other], [result(other, {})])] == []


def test_a_result_has_the_times_of_both_sides() -> None:
    ours, reference = Metered(lambda _: LOADED, {}), Metered(lambda _: LOADED, {})
    ours(1)
    reference(1)
    figure = Figure(1, "", "", Better.HIGHER, 1, lambda _: pytest.fail("not measured"))
    comparison = Comparison([1], [1])

    assert Result.of(figure, comparison, Pair(ours, reference)).processor == {
        "ours": {LOAD: 0},
        "reference": {LOAD: 0},
    }
    assert Result.of(figure, comparison, Pair(lambda _: 1, lambda _: 1)).processor == {}
