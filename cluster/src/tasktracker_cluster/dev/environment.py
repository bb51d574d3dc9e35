"""The environment of each service, in a shell file that only its user may read."""

import secrets
from pathlib import Path

from tasktracker_cluster.machine import files
from tasktracker_cluster.site import CONSUL_PAGE, Site
from tasktracker_cluster.topology import SERVICES, Database, Service

KEY_BYTES = 32


def path(site: Site, name: str) -> Path:
    """Return the file of the service or migration `name`. A shell reads it with `. FILE`."""
    return site.home / "environment" / f"{name}.sh"


def password(site: Site, database: Database, role: str) -> str:
    """Return the password of the database's `owner` or `app` role. Make it on first use."""
    return _secret(site, f"{database.name}-{role}")


def migration(service: Service) -> str:
    """Return the name of the program that migrates the service's database."""
    return f"{service.folder}-migrate"


def write(site: Site) -> None:
    """Write the files of all services and migrations."""
    path(site, "").parent.mkdir(mode=0o700, exist_ok=True)
    for service in SERVICES:
        _write(site, service.name, _variables(site, service))
        if database := service.database:
            _write(site, migration(service), {"DATABASE_URL": _url(site, database, "owner")})


def _variables(site: Site, service: Service) -> dict[str, str]:
    variables = {"PORT": str(service.port), "CONSUL_URL": CONSUL_PAGE}
    if service.checks_tokens:
        variables["SECRET_KEY"] = _secret(site, "secret-key")
    if database := service.database:
        variables["DATABASE_URL"] = _url(site, database, "app")
    return variables


def _url(site: Site, database: Database, role: str) -> str:
    secret, port = password(site, database, role), database.dev_port
    return f"postgresql://{database.role(role)}:{secret}@127.0.0.1:{port}/{database.database}"


def _write(site: Site, name: str, variables: dict[str, str]) -> None:
    lines = [f"export {variable}='{value}'\n" for variable, value in variables.items()]
    files.write(path(site, name), "".join(lines), mode=0o600)


def _secret(site: Site, name: str) -> str:
    file = site.secrets / name
    if not file.exists():
        site.secrets.mkdir(mode=0o700, exist_ok=True)
        files.write(file, secrets.token_hex(KEY_BYTES), mode=0o600)
    return file.read_text()
