# Lets the collectors of other machines send lines of logs, metrics and spans to the stores, by the mesh.
# `./just observe` runs this job where other machines can join (docs/decisions/0067-joined-logs.md and
# docs/decisions/0070-joined-metrics-and-traces.md).
#
# It is a sidecar and nothing else: the stores are in no mesh. Its intention allows to add, and nothing else.

variable "node" {
  description = "The name of the first machine: the stores are there."
  type        = string
  default     = "node-1"
}

variable "network" {
  description = "A name for the network that sidecars are registered in. Another one makes new instances."
  type        = string
  default     = ""
}

job "intake" {
  type = "service"

  # A change makes a new version, which restarts the job.
  meta {
    network = var.network
  }

  constraint {
    attribute = "${node.unique.name}"
    value     = var.node
  }

  group "store" {
    count = 1

    update {
      max_parallel     = 1
      min_healthy_time = "0s"
      healthy_deadline = "4m" # a start takes two on a busy machine
      health_check     = "task_states"
    }

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

      port "sidecar" { to = 9102 } # metrics of the sidecar
    }

    service {
      name = "intake"
      port = "9428"

      # The sidecar inherits these: they lead to its metrics (nomad/jobs/metrics/scrape.yml).
      meta {
        allocation   = "${NOMAD_ALLOC_ID}"
        sidecar_port = "${NOMAD_HOST_PORT_sidecar}"
      }

      connect {
        sidecar_service {
          # The stores are none of Nomad's business here, and `status` asks them.
          disable_default_tcp_check = true

          proxy {
            # vmauth listens there for this sidecar, and passes on to each store (nomad/jobs/logs.nomad.hcl).
            local_service_address = "169.254.1.1"
            local_service_port    = 9428
          }
        }
      }
    }

    # The sidecar. From a `sidecar_task` Nomad would make the same task, but with a log collector.
    # Its release is `current`, as the databases': a new release is no reason to replace it.
    task "connect-proxy-intake" {
      kind   = "connect-proxy:intake"
      driver = "raw_exec"

      shutdown_delay = "5s"

      config {
        command  = "${meta.tasktracker.home}/bin/wall"
        work_dir = "${NOMAD_ALLOC_DIR}/.." # the path of Consul's socket is relative to it
        args = [
          "--user=tasktracker-intake-envoy",
          "--read=${meta.tasktracker.home}/releases/current",
          "--open=connect-proxy-intake/secrets/envoy_bootstrap.json",
          "--log=${NOMAD_ALLOC_DIR}/logs/connect-proxy-intake",
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
  }
}
