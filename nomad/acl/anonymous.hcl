# The rights of a browser without a token: it may read jobs and nodes, but no variables, files or logs,
# and nothing of the agents themselves, because that would open their logs.

namespace "*" {
  policy = "read"
}

node {
  policy = "read"
}

host_volume "*" {
  policy = "read"
}
