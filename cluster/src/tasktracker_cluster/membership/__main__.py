"""The supervisor's program `membership`: the first machine's server, or another machine's watch."""

import os
import threading

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.membership import follower, turns
from tasktracker_cluster.membership.member_server import MemberServer


def main() -> None:
    """Run until the supervisor ends this process."""
    cluster = Cluster.from_environment()
    if cluster.site.node.is_first:
        MemberServer(cluster).serve_forever()
    threading.excepthook = _end
    threading.Thread(target=follower.follow, args=(cluster,), daemon=True).start()
    turns.follow(cluster)  # the supervisor starts this program again, with the new secrets


def _end(arguments: threading.ExceptHookArgs) -> None:
    """End with a defect in a thread: the supervisor starts this program again."""
    threading.__excepthook__(arguments)
    os._exit(1)


main()
