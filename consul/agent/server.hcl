# Added on the machines that keep the catalog.

server = true

performance {
  raft_multiplier = 1 # production timing: a leader within two seconds, not seven
}

# A server that starts again reads its snapshot before it answers, but the log after it only once it
# leads: in between, the mesh would see half a catalog. So the log after the snapshot stays short.
raft_snapshot_threshold = 16
raft_snapshot_interval  = "5s"
