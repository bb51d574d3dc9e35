# Installs a release on every node, on those that join later, too. Its task runs where the release is installed.
#
# It is a system job. Nomad would run a sysbatch job only on the nodes that exist when it is submitted.

variable "release" {
  description = "The name of the release: a folder below the node's releases."
  type        = string
  default     = "current"
}

variable "artifacts" {
  description = "The SHA-256 of each artifact of the release. `just env` has those of the newest."
  type        = list(string)
  default     = []
}

variable "store" {
  description = "The URL of a folder with the artifacts: a node's own store, or any other web server."
  type        = string
  default     = "http://127.0.0.1:8006"
}

job "release" {
  type = "system"

  update {
    max_parallel = 0 # on all nodes at once
  }

  group "node" {
    # The store may start at the same time, and takes its time: the one before ends in 12 s, or in 30
    # at most (store.nomad.hcl).
    restart {
      attempts = 30
      interval = "5m"
      delay    = "2s"
      mode     = "fail"
    }

    # It has no wall: it writes what the supervisor runs as root.
    task "install" {
      driver = "raw_exec"

      lifecycle {
        hook = "prestart"
      }

      dynamic "artifact" {
        for_each = var.artifacts

        content {
          source      = "${var.store}/${artifact.value}.pex"
          destination = "local/${artifact.value}.pex"
          mode        = "file"

          options {
            checksum = "sha256:${artifact.value}"
          }
        }
      }

      template {
        destination = "${NOMAD_TASK_DIR}/install.sh"
        data        = file("nomad/jobs/release/install.sh")
        perms       = "0755"

        # The script is not a template.
        left_delimiter  = "[["
        right_delimiter = "]]"
      }

      config {
        command  = "/bin/sh"
        work_dir = "${NOMAD_TASK_DIR}"
        args = concat([
          "-c", "exec ./install.sh \"$@\" >>$NOMAD_ALLOC_DIR/logs/install.stdout.0 2>>$NOMAD_ALLOC_DIR/logs/install.stderr.0",
          "install.sh", "${meta.tasktracker.home}", var.release,
        ], var.artifacts)
      }

      # It writes the files that Nomad shows itself: a collector would stay for as long as the allocation.
      logs {
        disabled = true
      }

      resources {
        cpu    = 100
        memory = 256
      }
    }

    # It does nothing. While it runs, Nomad knows that this node has the release.
    task "installed" {
      driver      = "raw_exec"
      kill_signal = "SIGTERM"

      config {
        command  = "${meta.tasktracker.home}/bin/wall"
        work_dir = "/"
        args = [
          "--user=tasktracker-store", "--read=${meta.tasktracker.home}/releases/${var.release}", "--",
          "${meta.tasktracker.home}/releases/${var.release}/bin/python", "-c", "import signal; signal.pause()",
        ]
      }

      # It has no output, and Nomad's collector would take 14 MiB (docs/decisions/0043-idle.md).
      logs {
        disabled = true
      }

      resources {
        cpu    = 20
        memory = 32
      }
    }
  }
}
