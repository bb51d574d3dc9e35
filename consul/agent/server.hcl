# Added on the machines that keep the catalog.

server = true

performance {
  raft_multiplier = 1 # production timing: a leader within two seconds, not seven
}

# A one-second check interval writes the catalog often; keep the raft log small.
raft_snapshot_threshold = 8192
