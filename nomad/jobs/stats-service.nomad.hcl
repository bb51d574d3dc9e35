# Statistics over a user's tasks: /api/v1/stats.
#
# Every task is behind a wall that opens only its own files (tools/wall).

variable "release" {
  description = "The release of the program: a folder below the node's releases. `just env` has the newest."
  type        = string
  default     = "current"
}

variable "instances" {
  description = "How many instances run: one on one machine, two from two machines on."
  type        = number
  default     = 1
}

variable "signing_keys" {
  description = "A name for the keys of access tokens. A rotation changes it."
  type        = string
  default     = ""
}

variable "traces" {
  description = "Where spans are sent, by OTLP over HTTP. Empty: nothing is traced."
  type        = string
  default     = ""
}

variable "network" {
  description = "A name for the network that sidecars are registered in. Another one makes new instances."
  type        = string
  default     = ""
}

job "stats-service" {
  type = "service"

  # A change makes a new version, whose instances replace the old ones one by one.
  meta {
    signing_keys = var.signing_keys
    network      = var.network
  }

  group "api" {
    count = var.instances

    # Instances go to different nodes as long as there is another one. The constraint distinct_hosts would
    # leave no node for the new instances of a deployment (docs/decisions/0047-instances.md).
    spread {
      attribute = "${node.unique.id}"
    }

    update {
      max_parallel     = var.instances
      canary           = var.instances # the new instances answer before the old ones stop, all at once
      auto_promote     = true
      auto_revert      = true
      min_healthy_time = "0s"
      healthy_deadline = "4m" # a start takes two on a busy machine
      health_check     = "checks"
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

    # A drain moves one instance at a time. The next one stops when the moved one is healthy.
    migrate {
      max_parallel     = 1
      min_healthy_time = "0s"
      healthy_deadline = "4m" # as above
      health_check     = "checks"
    }

    # Consul, Traefik and the other sidecars remove the instance before it gets the signal to stop.
    shutdown_delay = "5s"

    network {
      mode = "bridge"

      # Metrics of the application, through its sidecar, and of the sidecar itself.
      port "metrics" {}
      port "sidecar" { to = 9102 }
    }

    service {
      name = "stats-service"
      port = "8003"

      # The sidecar inherits the tag, which enables the route in traefik/mesh.yml.tmpl.
      tags = ["traefik.enable=true"]

      # The sidecar inherits these, too: they lead to the metrics (nomad/jobs/metrics/scrape.yml).
      meta {
        allocation   = "${NOMAD_ALLOC_ID}"
        metrics_port = "${NOMAD_HOST_PORT_metrics}"
        sidecar_port = "${NOMAD_HOST_PORT_sidecar}"
      }

      check {
        name     = "ready"
        type     = "http"
        path     = "/health"
        expose   = true # through the sidecar: the application listens only on its own loopback
        interval = "1s"
        timeout  = "5s"

        failures_before_critical = 3 # late answers of a busy machine are no dead service
      }

      connect {
        sidecar_service {
          # The sidecar's own TCP check has an interval of ten seconds. The check above is quicker.
          disable_default_tcp_check = true

          proxy {
            expose {
              path {
                path            = "/metrics"
                protocol        = "http"
                local_path_port = 8003
                listener_port   = "metrics"
              }
            }

            upstreams {
              destination_name = "task-service"
              local_bind_port  = 8002

              # Bytes, not requests: half the work (docs/decisions/0040-sidecars-do-no-more.md).
              config {
                protocol = "tcp"
              }
            }
            upstreams {
              destination_name = "user-service"
              local_bind_port  = 8001
            }
          }
        }
      }
    }

    # The sidecar. From a `sidecar_task` Nomad would make the same task, but with a log collector.
    task "connect-proxy-stats-service" {
      kind   = "connect-proxy:stats-service"
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
          "--user=tasktracker-stats-envoy",
          "--read=${meta.tasktracker.home}/releases/${var.release}",
          "--open=connect-proxy-stats-service/secrets/envoy_bootstrap.json",
          "--log=${NOMAD_ALLOC_DIR}/logs/connect-proxy-stats-service",
          "--retries=3", # what vanishes with its machine is noticed after three seconds
          "--",
          "${meta.tasktracker.home}/releases/${var.release}/bin/envoy",
          "-c", "/dev/fd/9", # it needs an absolute name
          "--config-yaml", file("nomad/jobs/sidecar.yaml"),
          "-l", "warning", "--concurrency", "1", "--disable-hot-restart",
        ]
      }

      env {
        OTEL_RESOURCE_ATTRIBUTES = "service.name=stats-service-sidecar" # its name in traces
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

    task "app" {
      driver = "raw_exec"

      kill_timeout = "30s" # longer than the server's own graceful time-out

      config {
        command  = "${meta.tasktracker.home}/bin/wall"
        work_dir = "/" # it does not need the allocation's folder
        args = [
          "--user=tasktracker-stats", "--read=${meta.tasktracker.home}/releases/${var.release}", "--",
          "${meta.tasktracker.home}/releases/${var.release}/bin/python", "-m", "stats_service",
        ]
      }

      env {
        PORT             = "8003"
        TASK_SERVICE_URL = "http://${NOMAD_UPSTREAM_ADDR_task_service}"
        USER_SERVICE_URL = "http://${NOMAD_UPSTREAM_ADDR_user_service}"
        TRACES_URL       = var.traces
      }

      template {
        destination = "${NOMAD_SECRETS_DIR}/app.env"
        env         = true
        perms       = "0600"
        change_mode = "noop" # a rotation replaces the instances one by one
        data        = <<-EOT
          {{ with nomadVar "nomad/jobs/stats-service/api/app" }}
          JWT_PUBLIC_KEYS={{ .jwt_public_keys.Value | toJSON }}
          {{ end }}
        EOT
      }

      resources {
        cpu    = 200
        memory = 256
      }
    }
  }
}
