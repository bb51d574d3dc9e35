"""releases.wheels: only a file with the locked hash gets into an artifact."""

from pathlib import Path

import pytest

from cluster.tests.releases import packages
from tasktracker_cluster.errors import CommandError
from tasktracker_cluster.releases import artifact, sources, wheels
from tasktracker_cluster.site import Site

PYTHON = Path("/usr/bin/python3")


@pytest.fixture
def wheel(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a wheel that pip finds without a registry. The cache of wheels is empty."""
    packages.write(tmp_path / "published", "example", "example")
    packages.built(tmp_path / "published", tmp_path / "index")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (site.checkout / "requirements").mkdir()
    (site.checkout / wheels.BUILD_LOCK).touch()
    (wheel,) = (tmp_path / "index").glob("*.whl")
    return wheel


def lock(site: Site, sha256: str) -> None:
    line = f"tasktracker-example==1.2.3 --hash=sha256:{sha256}\n"
    (site.checkout / sources.LOCK).write_text(line)


def test_a_locked_package_is_fetched_once_for_each_lock(site: Site, wheel: Path) -> None:
    lock(site, artifact.checksum(wheel))
    folder = wheels.locked(site.checkout, PYTHON)
    assert [file.read_bytes() for file in folder.iterdir()] == [wheel.read_bytes()]
    wheel.unlink()
    assert wheels.locked(site.checkout, PYTHON) == folder


def test_a_package_with_another_hash_is_refused_and_the_right_one_works_later(
    site: Site, wheel: Path, tmp_path: Path
) -> None:
    genuine = wheel.read_bytes()
    lock(site, artifact.checksum(wheel))
    wheel.write_bytes(genuine + b"altered")
    with pytest.raises(CommandError) as caught:
        wheels.locked(site.checkout, PYTHON)
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in "".join(caught.value.evidence)
    assert list((tmp_path / "cache" / "tasktracker" / "wheels").iterdir()) == []
    wheel.write_bytes(genuine)
    assert list(wheels.locked(site.checkout, PYTHON).iterdir())
