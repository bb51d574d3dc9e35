# Keeps backups of both databases with Barman: it receives their logs all the time, and makes a base backup each day.
# `tasktracker-cli admin backup on` starts it.
#
# It reaches the databases by the mesh, as their services do. The repository is a folder of the node, outside any
# allocation. Every task is behind a wall that opens only its own files (tools/wall).

variable "release" {
  description = "The release of the program: a folder below the node's releases. `just env` has the newest."
  type        = string
  default     = "current"
}

variable "network" {
  description = "A name for the network that sidecars are registered in. Another one makes new instances."
  type        = string
  default     = ""
}

job "backup" {
  type = "service"

  # A change makes a new version, which restarts the job.
  meta {
    network = var.network
  }

  group "archive" {
    count = 1 # two must not receive into one repository

    update {
      max_parallel     = 1
      min_healthy_time = "0s"
      healthy_deadline = "4m" # a start takes two on a busy machine
      health_check     = "task_states"
    }

    # As of the databases: a lost node still has its repository.
    disconnect {
      lost_after = "8760h"
      replace    = false
      reconcile  = "keep_original"
    }

    # Also for the sidecar, which by default restarts after 15 s.
    restart {
      attempts = 10
      interval = "1m"
      delay    = "1s"
      mode     = "delay"
    }

    reschedule {
      delay          = "5s" # the minimum in Nomad
      delay_function = "constant"
      unlimited      = true
    }

    # The repository is on the first machine.
    constraint {
      attribute = "${meta.tasktracker.member}"
      value     = "1"
    }

    # Only for placement: without the volume there is no repository.
    volume "place" {
      type      = "host"
      source    = "task-db"
      read_only = true
    }

    network {
      mode = "bridge"
    }

    service {
      name = "backup"

      connect {
        sidecar_service {
          # Nobody connects to it.
          disable_default_tcp_check = true

          proxy {
            upstreams {
              destination_name = "user-db"
              local_bind_port  = 5433
            }
            upstreams {
              destination_name = "task-db"
              local_bind_port  = 5434
            }
          }
        }
      }
    }

    # The sidecar. From a `sidecar_task` Nomad would make the same task, but with a log collector.
    task "connect-proxy-backup" {
      kind   = "connect-proxy:backup"
      driver = "raw_exec"

      shutdown_delay = "5s"

      lifecycle {
        hook    = "prestart"
        sidecar = true
      }

      config {
        command  = "${meta.tasktracker.home}/bin/wall"
        work_dir = "${NOMAD_ALLOC_DIR}/.." # the path of Consul's socket is relative to it
        args = [
          "--user=tasktracker-backup-envoy",
          "--read=${meta.tasktracker.home}/releases/${var.release}",
          "--open=connect-proxy-backup/secrets/envoy_bootstrap.json",
          "--log=${NOMAD_ALLOC_DIR}/logs/connect-proxy-backup",
          "--retries=3", # what vanishes with its machine is noticed after three seconds
          "--",
          "${meta.tasktracker.home}/releases/${var.release}/bin/envoy",
          "-c", "/dev/fd/9", # it needs an absolute name
          "--config-yaml", file("nomad/jobs/sidecar.yaml"),
          "-l", "warning", "--concurrency", "1", "--disable-hot-restart",
        ]
      }

      # The wall writes its few lines: Nomad's collector takes 14 MiB (docs/decisions/0043-idle.md).
      logs {
        disabled = true
      }

      resources {
        cpu    = 50
        memory = 128
      }
    }

    task "barman" {
      driver       = "raw_exec"
      kill_signal  = "SIGTERM"
      kill_timeout = "10s"

      config {
        command = "${meta.tasktracker.home}/bin/wall"
        args = [
          "--user=tasktracker-backup",
          "--read=${meta.tasktracker.home}/releases/${var.release}",
          "--read=${meta.tasktracker.home}/backup/barman.conf", "--read=local",
          "--write=${meta.tasktracker.home}/backup/repository", "--",
          "/bin/sh", "local/keep.sh",
        ]
      }

      env {
        BARMAN     = "${meta.tasktracker.home}/releases/${var.release}/bin/barman"
        CONF       = "${meta.tasktracker.home}/backup/barman.conf"
        REPOSITORY = "${meta.tasktracker.home}/backup/repository"
        PGBIN      = "/usr/lib/postgresql/15/bin"
        SCRIPTS    = "local"
      }

      template {
        destination = "${NOMAD_TASK_DIR}/keep.sh"
        data        = file("nomad/jobs/backup/keep.sh")
      }

      template {
        destination = "${NOMAD_TASK_DIR}/barman.sh"
        data        = file("nomad/jobs/backup/barman.sh")
      }

      template {
        destination = "${NOMAD_TASK_DIR}/back-up.sh"
        data        = file("nomad/jobs/backup/back-up.sh")
      }

      template {
        destination = "${NOMAD_SECRETS_DIR}/passwords.env"
        env         = true
        perms       = "0600"
        data        = <<-EOT
          {{ with nomadVar "nomad/jobs/backup/archive/barman" }}
          USER_DB_PASSWORD={{ .user_db_password }}
          TASK_DB_PASSWORD={{ .task_db_password }}
          {{ end }}
        EOT
      }

      resources {
        cpu    = 100
        memory = 384
      }
    }
  }
}
