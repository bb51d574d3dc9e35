# Serves the artifacts of releases: to the node's own Nomad agent, and to the stores of other nodes, by TLS.
#
# Its task is behind a wall that opens only its own files (tools/wall).

variable "nodes" {
  description = "The addresses of the cluster's machines, whose stores ask each other. None on a machine alone."
  type        = list(string)
  default     = []
}

job "store" {
  type = "system"

  # On all nodes at once: by default Nomad restarts one store after the other, each when the one before has run for
  # ten seconds, and nobody could say when the last one is done.
  update {
    max_parallel = 0
  }

  meta {
    nodes = join(" ", var.nodes) # `just env` reads it
  }

  group "files" {
    restart {
      attempts = 10
      interval = "1m"
      delay    = "1s"
      mode     = "delay"
    }

    network {
      mode = "host"

      port "http" {
        static       = 8006
        host_network = "loopback"
      }
    }

    task "server" {
      driver       = "raw_exec"
      kill_signal  = "SIGTERM"
      kill_timeout = "30s" # callers get their answers before it

      config {
        command = "${meta.tasktracker.home}/bin/wall"
        args = concat([
          "--user=tasktracker-store", "--read=${meta.tasktracker.home}/releases/current",
          "--read=${meta.tasktracker.home}/artifacts", "--read=${meta.tasktracker.home}/store", "--write=tmp",
          "--log=${NOMAD_ALLOC_DIR}/logs/server",
          "--open=local/artifact_store.py", "--", # Python needs an absolute path
          "${meta.tasktracker.home}/releases/current/bin/python", "-I", "-S", "/dev/fd/9",
          "${meta.tasktracker.home}/artifacts", "${meta.tasktracker.home}/store",
          "127.0.0.1:8006", "${meta.tasktracker.address}:4652",
        ], [for node in var.nodes : "${node}:4652"])
      }

      template {
        destination = "${NOMAD_TASK_DIR}/artifact_store.py"
        data        = file("cluster/src/tasktracker_cluster/releases/artifact_store.py")
      }

      # The wall writes its few lines: Nomad's collector takes 14 MiB (docs/decisions/0043-idle.md).
      logs {
        disabled = true
      }

      resources {
        cpu    = 50
        memory = 96
      }
    }
  }
}
