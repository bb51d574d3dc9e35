"""The environment of each service, in a file that a shell can read and only its user may."""

import secrets
from pathlib import Path

from tasktracker_cluster.dev.parts import SERVICES, Database, Service
from tasktracker_cluster.machine import files
from tasktracker_cluster.site import CONSUL_PAGE, Site

KEY_BYTES = 32


def path(site: Site, name: str) -> Path:
    """The file of the service or migration `name`: `. FILE`, and run it by hand."""
    return site.home / "environment" / f"{name}.sh"


def password(site: Site, database: Database, role: str) -> str:
    """The password of the database's `owner` or `app`, made when it is first asked for."""
    return _secret(site, f"{database.name}-{role}")


def write(site: Site) -> None:
    """Write the files of all services and migrations."""
    path(site, "").parent.mkdir(mode=0o700, exist_ok=True)
    for service in SERVICES:
        _write(site, service.name, _variables(site, service))
        if database := service.database:
            url = database.url("owner", password(site, database, "owner"))
            _write(site, service.migration, {"DATABASE_URL": url})


def _variables(site: Site, service: Service) -> dict[str, str]:
    variables = {"PORT": str(service.port), "CONSUL_URL": CONSUL_PAGE}
    if service.checks_tokens:
        variables["SECRET_KEY"] = _secret(site, "secret-key")
    if database := service.database:
        variables["DATABASE_URL"] = database.url("app", password(site, database, "app"))
    return variables


def _write(site: Site, name: str, variables: dict[str, str]) -> None:
    lines = [f"export {variable}='{value}'\n" for variable, value in variables.items()]
    files.write(path(site, name), "".join(lines), mode=0o600)


def _secret(site: Site, name: str) -> str:
    file = site.secrets / name
    if not file.exists():
        site.secrets.mkdir(mode=0o700, exist_ok=True)
        files.write(file, secrets.token_hex(KEY_BYTES), mode=0o600)
    return file.read_text()
