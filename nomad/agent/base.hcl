# The common settings of all Nomad agents of TaskTracker. The settings of a machine (addresses, folders,
# the agent's Consul token) are in a second file, rendered from node.hcl.tmpl.

datacenter           = "dc1"
disable_update_check = true

# The name of the file is in node.hcl. A full file is renamed, and the oldest one is deleted.
log_rotate_bytes     = 10485760
log_rotate_max_files = 5

acl {
  enabled   = true
  token_ttl = "1s" # how long a client caches a token's rights
}

# Agents connect to each other only by mutual TLS, on one machine, too: otherwise another user of the
# machine could join a server or a client and receive every secret. The API requires a certificate, too,
# because its join needs no token. The certificate and its authority are in node.hcl
# (docs/decisions/0024-agents-tls.md).
tls {
  rpc                    = true
  http                   = true
  verify_server_hostname = true
  verify_https_client    = true
}

ports {
  http = 4649 # browsers use the proxy before the pages (pages/envoy.yaml.tmpl)
}

consul {
  address   = "127.0.0.1:8501"
  ssl       = true
  share_ssl = false # tasks must not get this agent's key

  # Each service block and each task logs in to Consul with its own identity.
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
  # How often it asks each task's executor for its memory and processor time. The default is a second,
  # for which an idle cluster spends a tenth of its processor time (docs/decisions/0043-idle.md).
  collection_interval        = "10s"
  prometheus_metrics         = true
  publish_allocation_metrics = true
}
