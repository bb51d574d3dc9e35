# The common settings of all Consul agents of TaskTracker. The settings of a machine (addresses, folders,
# tokens) are in a second file, rendered from node.hcl.tmpl.

datacenter           = "dc1"
disable_update_check = true

# The name of the file is in node.hcl. A full file is renamed, and the oldest one is deleted.
log_rotate_bytes     = 10485760
log_rotate_max_files = 5

# With this option a stopped agent leaves the cluster. A server must not: it would leave the quorum.
leave_on_terminate = false

acl {
  enabled        = true
  default_policy = "deny" # also for intentions: without one no connection is allowed
}

connect {
  enabled = true
}

# Agents connect to each other only with the gossip key and mutual TLS, on one machine, too: otherwise
# another user of the machine could join a server and receive every secret. The API requires a
# certificate, too. The key, the certificate and its authority are in node.hcl
# (docs/decisions/0024-agents-tls.md).
tls {
  defaults {
    verify_incoming = true
    verify_outgoing = true
  }

  internal_rpc {
    verify_server_hostname = true
  }

  grpc {
    verify_incoming = false
  }
}

ports {
  serf_wan = -1   # there is only one datacenter
  http     = 8500 # no port: node.hcl has sockets for the databases. Browsers use pages/envoy.yaml.tmpl
  https    = 8501
  grpc     = 8502 # no port: a socket for the Nomad client on this machine (node.hcl)
  grpc_tls = 8503 # no port: Nomad gives sidecars only to a machine that has this number
  dns      = -1   # the sidecars resolve names
}

# This version of Consul gives a cached leaf certificate with its private key to any caller, with any
# token (docs/decisions/0010-leaf-certificates.md). Sidecars get theirs over gRPC. Nomad needs
# the endpoint for Traefik's certificate (traefik/mesh.yml.tmpl).
http_config {
  block_endpoints = [
    "/v1/agent/connect/ca/leaf/backup",
    "/v1/agent/connect/ca/leaf/collector",
    "/v1/agent/connect/ca/leaf/intake",
    "/v1/agent/connect/ca/leaf/portal",
    "/v1/agent/connect/ca/leaf/postgres-exporter",
    "/v1/agent/connect/ca/leaf/stats-service",
    "/v1/agent/connect/ca/leaf/task-db",
    "/v1/agent/connect/ca/leaf/task-db-rest",
    "/v1/agent/connect/ca/leaf/task-service",
    "/v1/agent/connect/ca/leaf/user-db",
    "/v1/agent/connect/ca/leaf/user-db-rest",
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
