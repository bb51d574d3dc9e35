# Serves the artifacts of releases to the node's own Nomad agent.
#
# Every task is behind a wall that opens only its own files (tools/wall).

job "store" {
  type = "system"

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

    task "caddy" {
      driver      = "raw_exec"
      kill_signal = "SIGTERM"

      config {
        command  = "${meta.tasktracker.home}/bin/wall"
        work_dir = "/" # it does not need the allocation's folder
        args = [
          "--user=tasktracker-store", "--read=${meta.tasktracker.home}/releases/current",
          "--read=${meta.tasktracker.home}/artifacts", "--log=${NOMAD_ALLOC_DIR}/logs/caddy", "--",
          "${meta.tasktracker.home}/releases/current/bin/caddy", "file-server", "--no-compress",
          "--listen=127.0.0.1:8006", "--root=${meta.tasktracker.home}/artifacts",
        ]
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
