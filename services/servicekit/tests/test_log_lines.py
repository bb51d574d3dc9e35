"""When a line of the log is written."""

import asyncio
import io
import signal
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from servicekit.log_lines import LogLines

pytestmark = pytest.mark.anyio

PROGRAM = """
import asyncio, logging, os, signal, sys
import structlog
from servicekit import logs

async def main():
    logs.configure("note-service", "INFO")
    structlog.get_logger().info("asked")
    {end}

asyncio.run(main())
"""


class Pipe(io.StringIO):
    """A file that keeps what each flush has sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def flush(self) -> None:
        self.sent.append(self.getvalue())
        self.seek(0)
        self.truncate()


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Pipe:
    pipe = Pipe()
    # pytest replaces sys.stdout itself between a fixture and its test.
    monkeypatch.setattr("servicekit.log_lines.sys", SimpleNamespace(stdout=pipe))
    return pipe


@pytest.fixture
def lines() -> LogLines:
    return LogLines()


async def test_lines_of_one_turn_are_one_write_and_do_not_wait_for_another(
    lines: LogLines, pipe: Pipe
) -> None:
    for turn in ("first", "second"):
        lines.info(f"{turn} request")
        lines.debug(f"{turn} answer")
        await asyncio.sleep(0)
    assert pipe.sent == [
        "first request\nfirst answer\n",
        "second request\nsecond answer\n",
    ]


@pytest.mark.parametrize(
    "write",
    [
        lambda lines: lines.warning("late"),
        lambda lines: lines.error("late"),
        lambda lines: lines.critical("late"),
        lambda lines: lines.write("late\n"),
    ],
    ids=["warning", "error", "critical", "standard library"],
)
async def test_any_other_text_is_written_at_once_after_what_waits(
    lines: LogLines, pipe: Pipe, write: Callable[[LogLines], None]
) -> None:
    lines.info("early")
    write(lines)
    assert pipe.sent == ["early\nlate\n"]
    await asyncio.sleep(0)
    assert pipe.sent == ["early\nlate\n"]


async def test_a_thread_without_an_event_loop_writes_at_once(lines: LogLines, pipe: Pipe) -> None:
    lines.info("early")
    await asyncio.to_thread(lines.info, "late")
    assert "".join(pipe.sent) == "early\nlate\n"
    without_turn = LogLines()
    pipe.sent.clear()
    await asyncio.to_thread(without_turn.info, "one")
    assert pipe.sent == ["one\n"]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("raise RuntimeError", 1),
        ("asyncio.get_running_loop().call_soon(sys.exit, 3); await asyncio.sleep(9)", 3),
        # As uvicorn, which ends itself so after its last record.
        (
            "logging.getLogger('uvicorn').info('finished'); os.kill(os.getpid(), signal.SIGTERM)",
            -signal.SIGTERM,
        ),
    ],
    ids=["unhandled error", "exit", "SIGTERM after a record"],
)
def test_no_line_is_lost_at_the_end_of_a_process(end: str, code: int) -> None:
    program = [sys.executable, "-c", PROGRAM.format(end=end)]
    ended = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == code
    assert ended.stdout.count('"event": "asked"') == 1
