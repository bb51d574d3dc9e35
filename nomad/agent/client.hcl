# Added on the machines that run jobs.

client {
  enabled  = true
  cni_path = "/usr/lib/cni" # where Debian's containernetworking-plugins puts them

  max_kill_timeout = "60s" # a database's clean shutdown may take that long

  # The loopback address as a network of its own: the gateway's ports belong there.
  host_network "loopback" {
    cidr      = "127.0.0.0/8"
    interface = "lo"
  }

  options = {
    # Cloud fingerprints ask a metadata address that does not exist here; the AWS one aborts the agent
    # when AWS_CA_BUNDLE is set.
    "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean"
    "driver.allowlist"     = "raw_exec"
  }
}

# No chroot, but also no driver process whose death takes the task along: after a kill -9 of this agent
# the next one adopts the running tasks (docs/decisions/0003-raw-exec.md).
plugin "raw_exec" {
  config {
    enabled = true
  }
}
