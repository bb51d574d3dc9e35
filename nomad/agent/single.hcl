# Added when one machine is the whole cluster: nothing listens beyond it, so its own address may change.

bind_addr = "127.0.0.1"

advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}

server {
  bootstrap_expect = 1
}

client {
  # A bridge without ports, made by `tasktracker-cli admin up`: its address never changes, and every
  # allocation's network namespace reaches it. Sidecars are registered under it.
  network_interface   = "tasktracker0"
  bridge_network_name = "tasktracker1" # the allocations' own, apart from any other Nomad's
}
