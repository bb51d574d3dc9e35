# What a browser without a token may do: look. Not at the agents themselves: that would open their
# logs.

node_prefix "" {
  policy = "read"
}

service_prefix "" {
  policy     = "read"
  intentions = "read"
}

mesh = "read"
