"""What an earlier version of the gateway left."""

from pathlib import Path

from tasktracker_cluster.jobs import gateway
from tasktracker_cluster.site import Site


def test_the_gateways_certificate_of_an_earlier_version_is_deleted_and_no_other_file(
    tmp_path: Path,
) -> None:
    names = ["secrets/traefik.pem", "secrets/traefik.key", "traefik/key.pem", "secrets/tools.pem"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    for _ in range(2):
        gateway.delete_certificate(Site(tmp_path, tmp_path))

    left = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert left == [tmp_path / "secrets" / "tools.pem"]
