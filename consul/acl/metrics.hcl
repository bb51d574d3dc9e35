# The rights of the two tasks that collect metrics: the store, and vmagent on each machine that has joined. They
# read those of the agents. The same right opens the agents' logs. So no other task and no anonymous caller has
# it, and the proxy before the agents passes on no log of Consul (pages/envoy.yaml.tmpl).

agent_prefix "" {
  policy = "read"
}
