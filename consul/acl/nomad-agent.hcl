# The policy of a Nomad agent's own token. Workloads log in with their own identities. The agent
# registers itself and updates the sidecars' checks.

agent_prefix "" {
  policy = "read"
}

node_prefix "" {
  policy = "read"
}

service_prefix "" {
  policy = "write"
}
