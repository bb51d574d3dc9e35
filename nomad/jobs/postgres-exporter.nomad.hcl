# PostgreSQL's own metrics of both databases, for the job `metrics`. `./just observe` runs this job.
#
# It reaches the databases by the mesh, as their services do, as a role that may read statistics and no
# table. So the databases' own job does not know whether anybody looks at it.
# Every task is behind a wall that opens only its own files (tools/wall).

variable "node" {
  description = "The name of the first machine: its program is there."
  type        = string
  default     = "node-1"
}

variable "network" {
  description = "A name for the network that sidecars are registered in. Another one makes new instances."
  type        = string
  default     = ""
}

job "postgres-exporter" {
  type = "service"

  # A change makes a new version, which restarts the job.
  meta {
    network = var.network
  }

  constraint {
    attribute = "${node.unique.name}"
    value     = var.node
  }

  group "databases" {
    count = 1 # two would ask everything twice

    update {
      max_parallel     = 1
      min_healthy_time = "0s"
      healthy_deadline = "4m" # a start takes two on a busy machine
      health_check     = "task_states"
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

    network {
      mode = "bridge"

      # Metrics of the databases, through its sidecar, and of the sidecar itself.
      port "metrics" {}
      port "sidecar" { to = 9102 }
    }

    service {
      name = "postgres-exporter"
      port = "9187"

      # The sidecar inherits these: they lead to the metrics (nomad/jobs/metrics/scrape.yml).
      meta {
        allocation     = "${NOMAD_ALLOC_ID}"
        databases_port = "${NOMAD_HOST_PORT_metrics}"
        sidecar_port   = "${NOMAD_HOST_PORT_sidecar}"
      }

      connect {
        sidecar_service {
          # Nobody connects to it.
          disable_default_tcp_check = true

          proxy {
            expose {
              path {
                path            = "/metrics"
                protocol        = "http"
                local_path_port = 9187
                listener_port   = "metrics"
              }
            }

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
    # Its release is `current`, as the databases': a new release is no reason to replace it.
    task "connect-proxy-postgres-exporter" {
      kind   = "connect-proxy:postgres-exporter"
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
          "--user=tasktracker-exporter-envoy",
          "--read=${meta.tasktracker.home}/releases/current",
          "--open=connect-proxy-postgres-exporter/secrets/envoy_bootstrap.json",
          "--log=${NOMAD_ALLOC_DIR}/logs/connect-proxy-postgres-exporter",
          "--retries=3", # what vanishes with its machine is noticed after three seconds
          "--",
          "${meta.tasktracker.home}/releases/current/bin/envoy",
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

    task "exporter" {
      driver      = "raw_exec"
      kill_signal = "SIGTERM"

      config {
        command = "${meta.tasktracker.home}/bin/wall"
        args = [
          "--user=tasktracker-exporter", "--read=${meta.tasktracker.home}/bin/postgres-exporter",
          "--read=local", "--log=${NOMAD_ALLOC_DIR}/logs/exporter", "--",
          "${meta.tasktracker.home}/bin/postgres-exporter",
          "--web.listen-address=127.0.0.1:9187",
          "--extend.query-path=local/queries.yml",
          "--no-collector.database", "--no-collector.bgwriter", # with two databases these fail
          "--log.level=error",                                  # else it warns of a lost database each time
        ]
      }

      template {
        destination = "${NOMAD_TASK_DIR}/queries.yml"
        data        = file("nomad/jobs/postgres-exporter/queries.yml")
      }

      # The sidecars encrypt, so PostgreSQL need not.
      template {
        destination = "${NOMAD_SECRETS_DIR}/databases.env"
        env         = true
        perms       = "0600"
        data        = <<-EOT
          {{ with nomadVar "nomad/jobs/postgres-exporter/databases/exporter" }}
          DATA_SOURCE_NAME=postgresql://user_monitor:{{ .user_db_password }}@127.0.0.1:5433/postgres?sslmode=disable,postgresql://task_monitor:{{ .task_db_password }}@127.0.0.1:5434/postgres?sslmode=disable
          {{ end }}
        EOT
      }

      # As the sidecar's.
      logs {
        disabled = true
      }

      resources {
        cpu    = 50
        memory = 64
      }
    }
  }
}
