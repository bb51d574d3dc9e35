# What every Nomad agent of TaskTracker shares. Machine facts (addresses, folders, the agent's Consul
# token) come from a second file, rendered from node.hcl.tmpl.

datacenter           = "dc1"
disable_update_check = true

# The file is named by node.hcl. A full one is set aside, and the oldest deleted.
log_rotate_bytes     = 10485760
log_rotate_max_files = 5

acl {
  enabled   = true
  token_ttl = "1s" # how long a client believes what it knows of a token
}

# Agents speak to each other by mutual TLS only, on one machine as on many: another user of the machine
# could join a server or a client of his own else, and be sent every secret. The certificate and its
# authority are in node.hcl (docs/decisions/0024-agents-tls.md).
tls {
  rpc                    = true
  verify_server_hostname = true
}

consul {
  address      = "127.0.0.1:8500"
  grpc_address = "127.0.0.1:8502"

  # Each service block and each task logs in to Consul as itself.
  service_identity {
    aud = ["consul.io"]
    ttl = "1h"
  }

  task_identity {
    aud = ["consul.io"]
    ttl = "1h"
  }
}

telemetry {
  prometheus_metrics         = true
  publish_allocation_metrics = true
}
