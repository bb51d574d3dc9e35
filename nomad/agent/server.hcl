# Added on the machines that schedule.

server {
  enabled         = true
  raft_multiplier = 1 # production timing: a leader within two seconds, not seven

  # A server that starts again reads its snapshot before it answers, but the log after it only once
  # it leads: in between, a client that asks for its allocations may be told that it has none, and
  # stops them all. So the log after the snapshot stays short.
  raft_snapshot_threshold = 16
  raft_snapshot_interval  = "5s"

  # A node that the servers do not know yet shows a token that an operator made for it (`up` does so
  # for this machine): else whoever reaches the port could offer a node, and be sent a job's secrets.
  client_introduction {
    enforcement = "strict"
  }
}
