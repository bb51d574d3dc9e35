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
# could join a server or a client of his own else, and be sent every secret. Nor does the API answer
# anybody without a certificate: its join asks for no token. The certificate and its authority are in
# node.hcl (docs/decisions/0024-agents-tls.md).
tls {
  rpc                    = true
  http                   = true
  verify_server_hostname = true
  verify_https_client    = true
}

ports {
  http = 4649 # browsers come to the proxy before the pages (pages/envoy.yaml.tmpl)
}

consul {
  address      = "127.0.0.1:8501"
  grpc_address = "127.0.0.1:8503"
  ssl          = true
  share_ssl    = false # this agent's key is no task's: Traefik has one of its own

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
