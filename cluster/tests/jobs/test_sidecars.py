"""jobs.sidecars: which ones an earlier version has placed."""

from pathlib import Path

import pytest

from tasktracker_cluster.jobs import sidecars
from tasktracker_cluster.site import Site


def folder_of(site: Site, allocation: str) -> Path:
    """Make the folder in which Nomad writes what a sidecar starts with."""
    folder = site.home / "nomad" / "alloc" / allocation / "connect-proxy-portal" / "secrets"
    folder.mkdir(parents=True)
    return folder


def place(site: Site, allocation: str, text: str) -> None:
    (folder_of(site, allocation) / "envoy_bootstrap.json").write_text(text)


def test_only_a_sidecar_that_trusts_an_authority_is_of_an_earlier_version(site: Site) -> None:
    place(site, "1", '{"validation_context": {"trusted_ca": {"inline_string": "..."}}}')
    place(site, "2", '{"pipe": {"path": "alloc/tmp/consul_grpc.sock"}}')
    assert sidecars.with_an_authority(site) == {"1"}


def test_a_machine_without_instances_has_none(site: Site) -> None:
    assert sidecars.with_an_authority(site) == set()


def test_after_a_start_of_the_whole_machine_there_is_none(site: Site) -> None:
    folder_of(site, "3")  # its secrets were in memory
    assert sidecars.with_an_authority(site) == set()


def test_a_folder_that_nomad_deletes_at_this_moment_is_passed_over(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = '{"validation_context": {"trusted_ca": {"inline_string": "..."}}}'
    for allocation in ("1", "2"):
        place(site, allocation, old)
    read = Path.read_text

    def delete_first(file: Path) -> str:
        if "1" in file.parts:
            file.unlink()
        return read(file)

    monkeypatch.setattr(Path, "read_text", delete_first)
    assert sidecars.with_an_authority(site) == {"2"}
