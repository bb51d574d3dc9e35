"""The supervisor's program `membership`: the first machine's server, or another machine's watch."""

import threading

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.membership import follower
from tasktracker_cluster.membership.member_server import MemberServer


def main() -> None:
    """Run until the supervisor ends this process."""
    cluster = Cluster.from_environment()
    if cluster.site.node.is_first:
        MemberServer(cluster).serve_forever()
    follower.follow(cluster)
    threading.Event().wait()  # a server stays one


main()
