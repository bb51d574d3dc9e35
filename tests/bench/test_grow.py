"""Curves are measured, kept and drawn. The points themselves are no tests."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree

import psycopg
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from bench import grow
from bench.curves import picture, point, series
from bench.curves.point import Point
from bench.curves.series import Effort
from bench.errors import BenchError
from bench.grow import FOLDER, POINTS, steps
from bench.stage import Stage
from bench.wrk import Request
from servicekit.testing import postgres
from servicekit.testing.live_server import serving

NAMES = ("rows", "instances", "clients")
LEAST = ("--most-rows", "1000", "--most-instances", "1", "--most-clients", "1", "--rounds", "1",
         "--seconds", "1")  # fmt: skip


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", "grow", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def words(file: Path) -> set[str]:
    """Return the texts in a picture."""
    return {
        "".join(each.itertext()).strip()
        for each in ElementTree.parse(file).iter("{http://www.w3.org/2000/svg}text")
    }


@pytest.mark.drill
def test_curves_are_measured_kept_and_drawn(tmp_path: Path) -> None:
    done = run(*LEAST, "--folder", str(tmp_path))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [str(tmp_path / f"{name}.svg") for name in NAMES]
    kept = grow.load(tmp_path / POINTS)
    for curve in (kept.rows, kept.instances, kept.clients):
        assert len(curve) == 2
        assert all(each.rate > 0 and each.connections for line in curve.values() for each in line)
    for name, what in zip(NAMES, ("rows in the table", "instances of", "clients"), strict=True):
        found = words(tmp_path / f"{name}.svg")
        assert {"list of 50", "requests/s", "99th percentile, ms"} <= found
        assert any(text.startswith(what) for text in found)


def test_the_pictures_in_the_documents_are_those_of_the_points_beside_them(tmp_path: Path) -> None:
    (tmp_path / POINTS).write_text((FOLDER / POINTS).read_text())
    grow.draw(tmp_path)
    for name in NAMES:
        assert (tmp_path / f"{name}.svg").read_text() == (FOLDER / f"{name}.svg").read_text()


@pytest.mark.parametrize("text", ["", "[]", '{"rows": {}}'])
def test_a_folder_without_points_cannot_be_drawn(tmp_path: Path, text: str) -> None:
    (tmp_path / POINTS).write_text(text)
    with pytest.raises(BenchError, match=r"points\.json has no points of `bench grow`"):
        grow.main(["--draw", "--folder", str(tmp_path)])


def test_a_table_grows_to_each_size() -> None:
    sizes = [1_000, 3_000]
    with Stage() as stage:
        found = series.rows(stage, sizes, Effort(1, 1))
        with closing(psycopg.connect(f"{stage.server}/growing")) as connection:
            assert connection.execute("SELECT count(*) FROM tasks").fetchone() == (3_000,)
    assert {name: [each.x for each in points] for name, points in found.items()} == dict.fromkeys(
        series.READS, sizes
    )


def test_a_point_counts_connections_and_refused_requests() -> None:
    def refuse(_: object) -> Response:
        return Response(status_code=503)

    app = Starlette(routes=[Route("/", refuse)])
    with (
        postgres.running() as server,
        serving(app) as port,
        closing(psycopg.connect(f"{server}/postgres")),
        closing(psycopg.connect(f"{server}/postgres", autocommit=True)) as watch,
    ):
        request = Request(f"http://127.0.0.1:{port}/", {})
        found = point.measure(7, [request, request], 2, 1, watch)

    assert (found.x, found.rate, found.connections) == (7, 0, 1)
    assert found.refused > 0


def test_the_middle_of_several_loads_has_their_medians_and_all_refusals() -> None:
    loads = [Point(1, rate, rate / 10, connections, 1) for rate, connections in
             ((10, 3), (30, 5), (20, 4))]  # fmt: skip
    assert point.middle(loads) == Point(1, 20, 2, 5, 3)


@pytest.mark.parametrize(
    ("number", "text"), [(1, "1"), (256, "256"), (1_000, "10³"), (10_000_000, "10⁷")]
)
def test_a_large_number_is_shown_as_a_power_of_ten(number: int, text: str) -> None:
    assert picture.short(number) == text


def test_steps_end_at_the_last_number_or_before_it() -> None:
    assert steps(1, 8, 2) == [1, 2, 4, 8]
    assert steps(1, 7, 2) == [1, 2, 4]
    with pytest.raises(BenchError, match="at least 1000"):
        steps(1_000, 999, 10)
