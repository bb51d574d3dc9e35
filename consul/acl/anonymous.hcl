# The rights of a browser without a token: it may read, but nothing of the agents themselves, because
# that would open their logs.

node_prefix "" {
  policy = "read"
}

service_prefix "" {
  policy     = "read"
  intentions = "read"
}

mesh = "read"
