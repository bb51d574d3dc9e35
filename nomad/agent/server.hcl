# Added on the machines that schedule.

server {
  enabled         = true
  raft_multiplier = 1 # production timing: a leader within two seconds, not seven
}
