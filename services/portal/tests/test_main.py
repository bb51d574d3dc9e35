import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from portal_service.__main__ import main

DOCUMENT = Path(__file__).parents[1] / "openapi.json"
ADDRESSES = {f"{name}_SERVICE_URL": "http://127.0.0.1:1" for name in ("USER", "TASK", "STATS")}


def test_the_checked_in_document_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    main(["openapi"])

    # To renew it: python -m portal_service openapi > services/portal/openapi.json
    assert capsys.readouterr().out == DOCUMENT.read_text()


def test_an_unknown_command_is_refused_with_the_usage() -> None:
    with pytest.raises(SystemExit, match="usage: python -m portal_service"):
        main(["dance"])


@pytest.mark.parametrize("value", [None, "not an address"])
def test_a_bad_address_is_named_and_ends_the_process(
    value: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, address in ADDRESSES.items():
        monkeypatch.setenv(name, address)
    if value is None:
        monkeypatch.delenv("TASK_SERVICE_URL")
    else:
        monkeypatch.setenv("TASK_SERVICE_URL", value)

    with pytest.raises(SystemExit) as ended:
        main([])

    assert ended.value.code == 78
    assert "portal: TASK_SERVICE_URL is " in capsys.readouterr().err


def test_the_process_serves_without_a_secret_until_it_is_told_to_stop() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {"PATH": os.environ["PATH"], "PORT": str(port), **ADDRESSES}
    command = [sys.executable, "-m", "portal_service"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            assert _first_answer(f"http://127.0.0.1:{port}/health/live").status_code == 200
        finally:
            process.send_signal(signal.SIGTERM)
    # uvicorn ends with the signal that it was stopped by, once everything is shut down.
    assert process.returncode in (0, -signal.SIGTERM)


def _first_answer(url: str) -> httpx.Response:
    deadline = time.monotonic() + 20
    while True:
        try:
            return httpx.get(url)
        except httpx.ConnectError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)
