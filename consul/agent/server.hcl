# For the machines that are servers: they store the catalog.

server = true

performance {
  raft_multiplier = 1 # production timing: an election takes two seconds instead of seven
}

# A restarted server reads its snapshot before it answers, but the log after the snapshot only when it
# leads. Meanwhile the mesh would see an incomplete catalog. So the log after the snapshot must be short.
raft_snapshot_threshold = 16
raft_snapshot_interval  = "5s"
