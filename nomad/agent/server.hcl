# For the machines that are servers: they schedule the jobs.

server {
  enabled         = true
  raft_multiplier = 1 # production timing: an election takes two seconds instead of seven

  # A restarted server reads its snapshot before it answers, but the log after the snapshot only when
  # it leads. Meanwhile a client may get an empty list of allocations, and would stop them all. So the
  # log after the snapshot must be short.
  raft_snapshot_threshold = 16
  raft_snapshot_interval  = "5s"

  # A lost node is noticed after 13 to 19 s (docs/decisions/0048-lost-nodes.md). The grace is longer than the
  # ten seconds that a call hangs which a living client sent to the lost node's server.
  min_heartbeat_ttl = "3s"
  heartbeat_grace   = "13s"

  # After a change of the leader. A call to a lost leader hangs for ten seconds, too; then the client tries
  # again each second or two.
  failover_heartbeat_ttl = "18s"

  # A new node must show a token that an operator made for it (`up` makes one for this machine).
  # Otherwise any client of the port could register a node and receive a job's secrets.
  client_introduction {
    enforcement = "strict"
  }
}
