# What every Consul agent of TaskTracker shares. Machine facts (addresses, folders, tokens) come from
# a second file, rendered from node.hcl.tmpl.

datacenter           = "dc1"
disable_update_check = true

# The file is named by node.hcl. A full one is set aside, and the oldest deleted.
log_rotate_bytes     = 10485760
log_rotate_max_files = 5

# A client that is asked to stop goes away for good; a server must not: it would leave the quorum.
leave_on_terminate = false

acl {
  enabled        = true
  default_policy = "deny" # also the default of intentions: no edge without one
}

connect {
  enabled = true
}

# Agents speak to each other with the gossip key and by mutual TLS only, on one machine as on many:
# another user of the machine could join a server of his own else, and be sent every secret. Nor does
# the API answer anybody without a certificate. The key, the certificate and its authority are in
# node.hcl (docs/decisions/0024-agents-tls.md).
tls {
  defaults {
    verify_incoming = true
    verify_outgoing = true
  }

  internal_rpc {
    verify_server_hostname = true
  }

  grpc {
    verify_incoming = false # Envoys have no certificate of this authority: tokens say who they are
  }
}

ports {
  serf_wan = -1 # there is one datacenter
  http     = -1 # browsers come to the proxy before the pages (pages/envoy.yaml.tmpl)
  https    = 8501
  grpc     = -1
  grpc_tls = 8503 # Envoy's configuration; only the Nomad client on this machine asks
  dns      = -1   # names are resolved by the sidecars
}

# This version answers a cached leaf certificate, private key and all, to whoever asks, whatever the
# token (docs/decisions/0010-leaf-certificates.md). Sidecars get theirs over gRPC. Traefik, native in
# the mesh, needs the endpoint for its own.
http_config {
  block_endpoints = [
    "/v1/agent/connect/ca/leaf/portal",
    "/v1/agent/connect/ca/leaf/stats-service",
    "/v1/agent/connect/ca/leaf/task-db",
    "/v1/agent/connect/ca/leaf/task-service",
    "/v1/agent/connect/ca/leaf/user-db",
    "/v1/agent/connect/ca/leaf/user-service",
  ]
}

ui_config {
  enabled = true
}

telemetry {
  prometheus_retention_time = "1m"
  disable_hostname          = true
}
