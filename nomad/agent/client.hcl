# For the machines that run jobs.

client {
  enabled  = true
  cni_path = "/usr/lib/cni" # the folder of Debian's containernetworking-plugins

  max_kill_timeout = "60s" # a database's clean shutdown may take that long

  # Loopback as a host network, for the gateway's ports.
  host_network "loopback" {
    cidr      = "127.0.0.0/8"
    interface = "lo"
  }

  # A task with a template keeps the file's last version while Consul, or every server of Nomad, is away. By
  # default Nomad kills the task after twelve attempts, some minutes later.
  template {
    consul_retry {
      attempts    = 0
      backoff     = "250ms"
      max_backoff = "2s"
    }

    nomad_retry {
      attempts    = 0
      backoff     = "250ms"
      max_backoff = "2s"
    }
  }

  options = {
    # The fingerprints of clouds call a metadata address that does not exist here. The one of AWS aborts
    # the agent if AWS_CA_BUNDLE is set.
    "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean"
    "driver.allowlist"     = "raw_exec"
  }
}

# raw_exec has no chroot, but also no driver process whose death would end the task: after a kill -9 of
# this agent the next one adopts the running tasks (docs/decisions/0003-raw-exec.md).
plugin "raw_exec" {
  config {
    enabled = true
  }
}
