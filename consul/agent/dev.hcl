# The complete configuration of the agent of ./just dev: without mesh and tokens, on loopback only.

server           = true
bootstrap_expect = 1
node_name        = "dev"
bind_addr        = "127.0.0.1"
client_addr      = "127.0.0.1"

disable_update_check = true

connect {
  enabled = false
}

performance {
  raft_multiplier = 1 # the election of a leader takes two seconds instead of seven
}

ports {
  grpc     = -1
  grpc_tls = -1
  dns      = -1
  serf_wan = -1
}

ui_config {
  enabled = true
}
