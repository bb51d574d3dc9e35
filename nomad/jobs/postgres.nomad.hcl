# PostgreSQL 15 for user-service (job user-db) and task-service (job task-db). A variable selects one:
#
#     nomad job run -var name=user-db nomad/jobs/postgres.nomad.hcl
#
# The data are in a folder of the node, outside any allocation. Other jobs reach them only by the mesh.
# Every task is behind a wall that opens only its own files (tools/wall).

variable "name" {
  description = "The name of the job, and of its Consul service and volume: user-db or task-db."
  type        = string

  validation {
    condition     = contains(["user-db", "task-db"], var.name)
    error_message = "The databases are user-db and task-db."
  }
}

variable "network" {
  description = "A name for the network that sidecars are registered in. Another one makes new instances."
  type        = string
  default     = ""
}

locals {
  noun = trimsuffix(var.name, "-db") # the start of the names of the database and its roles
}

job "postgres" {
  id   = var.name # a label cannot have a variable
  name = var.name
  type = "service"

  # A change makes a new version, which restarts the database.
  meta {
    network = var.network
  }

  group "db" {
    count = 1 # two servers must not use one folder

    update {
      max_parallel     = 1
      min_healthy_time = "0s"
      healthy_deadline = "2m"
      health_check     = "checks"
    }

    # A lost node still has its data: the database goes on when the node is back, and no other one starts.
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

    # The volume is only for placement: raw_exec mounts nothing, and the tasks use the folder's path.
    volume "data" {
      type   = "host"
      source = var.name
    }

    network {
      mode = "bridge"

      port "sidecar" { to = 9102 } # metrics of the sidecar
    }

    service {
      name = var.name
      port = "5432"

      # The sidecar inherits these: they lead to its metrics (nomad/jobs/metrics/scrape.yml).
      meta {
        allocation   = "${NOMAD_ALLOC_ID}"
        sidecar_port = "${NOMAD_HOST_PORT_sidecar}"
      }

      check {
        name    = "accepts connections"
        type    = "script"
        task    = "postgres"
        command = "${meta.tasktracker.home}/bin/wall"
        args = [
          "--user=tasktracker-${var.name}", "--", "/usr/lib/postgresql/15/bin/pg_isready",
          "--quiet", "--host=127.0.0.1", "--username=${local.noun}_app", "--dbname=${local.noun}_db",
        ]
        interval = "1s"
        timeout  = "2s"
      }

      connect {
        sidecar_service {
          # The sidecar's own TCP check has an interval of ten seconds. The check above is quicker.
          disable_default_tcp_check = true
        }
      }
    }

    # The sidecar. From a `sidecar_task` Nomad would make the same task, but with a log collector.
    #
    # The release is `current`, not a name as in the services' jobs: with a name each new release
    # would make a new version of this job, and restart the database without need. A restarted
    # Envoy is of the newest release. A running Envoy needs no file of its release any more, which
    # `up` deletes some time later.
    dynamic "task" {
      for_each = [var.name]
      labels   = ["connect-proxy-${task.value}"] # a label of an ordinary block cannot have a variable

      content {
        kind   = "connect-proxy:${var.name}"
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
            "--user=tasktracker-${var.name}-envoy",
            "--read=${meta.tasktracker.home}/releases/current",
            "--open=connect-proxy-${var.name}/secrets/envoy_bootstrap.json",
            "--log=${NOMAD_ALLOC_DIR}/logs/connect-proxy-${var.name}", "--",
            "${meta.tasktracker.home}/releases/current/bin/envoy",
            "-c", "/dev/fd/9", # it needs an absolute name
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
    }

    task "prepare" {
      driver = "raw_exec"

      lifecycle {
        hook = "prestart"
      }

      config {
        command = "${meta.tasktracker.home}/bin/wall"
        args = [
          "--user=tasktracker-${var.name}", "--read=local",
          "--write=${meta.tasktracker.home}/volumes/${var.name}",
          "--log=${NOMAD_ALLOC_DIR}/logs/prepare", "--",
          "/bin/sh", "local/prepare.sh",
        ]
      }

      # As the sidecar's. The collector of a task that has ended would stay, too.
      logs {
        disabled = true
      }

      env {
        PGBIN    = "/usr/lib/postgresql/15/bin"
        DATA     = "${meta.tasktracker.home}/volumes/${var.name}/data"
        SOCKETS  = "${meta.tasktracker.home}/volumes/${var.name}/run"
        HBA      = "local/pg_hba.conf"
        DATABASE = "${local.noun}_db"
        OWNER    = "${local.noun}_owner"
        APP      = "${local.noun}_app"
        BACKUP   = "${local.noun}_backup"
        MONITOR  = "${local.noun}_monitor"
      }

      template {
        destination = "${NOMAD_TASK_DIR}/prepare.sh"
        data        = file("nomad/jobs/postgres/prepare.sh")
      }

      template {
        destination = "${NOMAD_TASK_DIR}/pg_hba.conf"
        data        = file("nomad/jobs/postgres/pg_hba.conf")
      }

      template {
        destination = "${NOMAD_SECRETS_DIR}/roles.env"
        env         = true
        perms       = "0600"
        data        = <<-EOT
          {{ with nomadVar "nomad/jobs/${var.name}/db/prepare" }}
          OWNER_PASSWORD={{ .owner_password }}
          APP_PASSWORD={{ .app_password }}
          BACKUP_PASSWORD={{ .backup_password }}
          MONITOR_PASSWORD={{ .monitor_password }}
          {{ end }}
        EOT
      }

      resources {
        cpu    = 100
        memory = 256
      }
    }

    task "postgres" {
      driver = "raw_exec"

      kill_signal  = "SIGINT" # fast shutdown: it ends sessions and loses no data
      kill_timeout = "60s"

      config {
        command  = "${meta.tasktracker.home}/bin/wall"
        work_dir = "/" # it does not need the allocation's folder
        args = [
          "--user=tasktracker-${var.name}", "--write=${meta.tasktracker.home}/volumes/${var.name}", "--",
          "/usr/lib/postgresql/15/bin/postgres",
          "-D", "${meta.tasktracker.home}/volumes/${var.name}/data",
          "-c", "listen_addresses=127.0.0.1",
          "-c", "port=5432",
          "-c", "unix_socket_directories=${meta.tasktracker.home}/volumes/${var.name}/run",
          "-c", "dynamic_shared_memory_type=sysv", # needs no folder that is shared with other users
          "-c", "password_encryption=scram-sha-256",
          "-c", "shared_buffers=64MB",
          "-c", "max_slot_wal_keep_size=1GB", # of its log, for backups that are away (docs/decisions/0056-backups.md)
        ]
      }

      resources {
        cpu    = 200
        memory = 512
      }
    }
  }
}
