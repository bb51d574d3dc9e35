# What a browser without a token may do: look.

agent_prefix "" {
  policy = "read"
}

node_prefix "" {
  policy = "read"
}

service_prefix "" {
  policy     = "read"
  intentions = "read"
}

mesh = "read"
