"""`rotate db-password`: the services log in to their databases as other roles, with new passwords.

A role and its twin are used in turn (passwords.py). First the one whose turn is next gets a new
password, while both may log in. Then new instances of the services use it. At the end the other one
may not log in any more. So no instance ever has a password that is refused. A second run completes
an interrupted one: each step can be repeated.
"""

import re
from functools import partial

from tasktracker_cluster.agents import ownership, programs, supervisor
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import RefusedRotationError
from tasktracker_cluster.jobs import (
    deployment,
    passwords,
    placement,
    postgres,
    replication,
    signing_keys,
)
from tasktracker_cluster.jobs.passwords import Items
from tasktracker_cluster.machine import preflight, shell
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.topology import DATABASES, Database

# What roles.sh writes into the database: the series of its passwords, and their step.
_SAID = re.compile(r"passwords (\w+)/(\d+)")


def rotate(cluster: Cluster, steps: Steps) -> None:
    """Let both services use other roles with new passwords, and no one the roles before.

    Raises UnfitMachineError or RefusedRotationError before it changes anything, NoInstanceError
    when a database has no leader, CommandError when it takes no passwords, and JobFailedError when
    a service does not start with them. The cluster serves its users after each of these.
    """
    site = cluster.site
    preflight.must_be_root("rotate db-password")
    ownership.must_own(site)
    preflight.must_be_first(site, "./just rotate db-password")
    supervisor.must_run(site)
    with ownership.locked(site):
        for database in DATABASES:
            _must_know_twins(cluster, database)
        due = passwords.due(cluster)
        with steps.step("the databases accept new passwords"):
            for database in due:
                _apply(cluster, database, passwords.begin(cluster, database))
        with steps.step("the services use them"):
            passwords.hand_over(cluster)
            clients = [service.name for service in passwords.CLIENTS]
            deployment.roll(cluster, clients, signing_keys.present_variables(cluster))
            placement.spread_out(cluster)
        with steps.step("the old passwords end"):
            for database in due:
                # First in the database: until both have ended, a second run ends them.
                _apply(cluster, database, passwords.ended(passwords.of(cluster, database)))
                passwords.end(cluster, database)


def _must_know_twins(cluster: Cluster, database: Database) -> None:
    """Refuse when a database has other passwords than those that Nomad has.

    It was started by an earlier version then, and would set the old ones again at its next start.
    """
    items = passwords.of(cluster, database)
    comment = f"SELECT shobj_description(to_regrole('{database.role('owner')}'), 'pg_authid')"
    ask = partial(replication.ask_leader, cluster, database.name, comment)
    said = _SAID.fullmatch(programs.run_patiently(ask).strip())
    # An interrupted rotation may have ended the old passwords, and not recorded it.
    if said and said[1] == items.get("series") and int(said[2]) <= int(items["rotation"]) + 1:
        return
    raise RefusedRotationError(
        f"{database.name} does not know the roles of a rotation.",
        "An earlier version has started it. Start it anew: ./just up",
    )


def _apply(cluster: Cluster, database: Database, items: Items) -> None:
    """Give the roles of a database their passwords. They are in no command line."""
    task = replication.task(cluster, database.name)
    script = postgres.roles(task.site, database.name, items)
    command = task.command(["/bin/sh", "-c", 'eval "$(cat)"'])
    # Each of its steps may be done twice: a second run completes an interrupted rotation, too.
    programs.run_patiently(partial(shell.run, command, env=task.environment, stdin=script))
