# The policy of the token of a Consul agent on a machine that has joined, beside the rights of its node:
# it reads which machines there are, and which are servers (docs/decisions/0045-joining.md), and what
# Patroni writes of the databases' members (docs/decisions/0078-every-machine-sees-all.md).

node_prefix "" {
  policy = "read"
}

key_prefix "tasktracker/" {
  policy = "read"
}

key_prefix "service/" {
  policy = "read"
}
