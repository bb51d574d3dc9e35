"""The program of the portal: its settings and its OpenAPI document."""

from pathlib import Path

import httpx
import pytest

from portal_service.__main__ import main
from servicekit.testing import process

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
    with process.started("portal_service", **ADDRESSES) as started:
        assert httpx.get(f"{started.address}/health/live", timeout=60).status_code == 200
