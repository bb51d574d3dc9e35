# A Nomad agent's own token. Workloads log in with their own identities; this one registers the agent
# and keeps the sidecars' checks in step.

agent_prefix "" {
  policy = "read"
}

node_prefix "" {
  policy = "read"
}

service_prefix "" {
  policy = "write"
}
