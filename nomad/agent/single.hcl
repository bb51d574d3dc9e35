# For a cluster of one machine: it listens on loopback only, so the machine's address may change.

bind_addr = "127.0.0.1"

advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}

server {
  bootstrap_expect = 1

  # In place of the times in server.hcl: no other node could take over. A late heartbeat on a busy machine would
  # only cost its instances.
  min_heartbeat_ttl      = "10s"
  heartbeat_grace        = "5m"
  failover_heartbeat_ttl = "5m"
}

client {
  # A bridge without ports, made by `tasktracker-cli admin up`. Its address never changes, and every
  # allocation's network namespace reaches it. Sidecars are registered with this address.
  network_interface   = "tasktracker0"
  bridge_network_name = "tasktracker1" # for allocations; not the name of another Nomad's bridge
}
