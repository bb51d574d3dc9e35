# What a browser without a token may do: look. Neither at variables nor files nor logs, nor at the
# agents themselves: that would open their logs.

namespace "*" {
  policy = "read"
}

node {
  policy = "read"
}

host_volume "*" {
  policy = "read"
}
