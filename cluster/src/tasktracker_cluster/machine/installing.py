"""Installing what the agents and the jobs need of a machine: packages, users, folders, programs."""

from tasktracker_cluster.machine import folders, packages, preflight, tools, users
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site


def install_packages(steps: Steps) -> None:
    """Install the system's packages only: tests of a service need nothing but PostgreSQL."""
    if packages.missing():
        preflight.must_be_root("install")
    with steps.step("system packages") as step:
        packages.install(step)


def install_tools(site: Site, steps: Steps) -> None:
    """Install packages, users, folders, the agents and the wall."""
    install_packages(steps)
    users.create()
    folders.create(site)
    with steps.step("Nomad, Consul and the wall") as step:
        tools.install(site, step)
