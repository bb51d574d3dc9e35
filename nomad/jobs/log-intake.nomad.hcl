# Lets the collectors of logs on other machines send lines to the store of logs, by the mesh. `./just observe`
# runs this job where other machines can join (docs/decisions/0067-joined-logs.md).
#
# It is a sidecar and nothing else: the store is in no mesh. Its intention allows to add lines only.

variable "node" {
  description = "The name of the first machine: the store is there."
  type        = string
  default     = "node-1"
}

variable "network" {
  description = "A name for the network that sidecars are registered in. Another one makes new instances."
  type        = string
  default     = ""
}

job "log-intake" {
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
      healthy_deadline = "2m"
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
      name = "log-intake"
      port = "9428"

      # The sidecar inherits these: they lead to its metrics (nomad/jobs/metrics/scrape.yml).
      meta {
        allocation   = "${NOMAD_ALLOC_ID}"
        sidecar_port = "${NOMAD_HOST_PORT_sidecar}"
      }

      connect {
        sidecar_service {
          # The store is none of Nomad's business here, and `status` asks it.
          disable_default_tcp_check = true

          proxy {
            # The store listens there for this sidecar (nomad/jobs/logs.nomad.hcl).
            local_service_address = "169.254.1.1"
            local_service_port    = 9428
          }
        }
      }
    }

    # The sidecar. From a `sidecar_task` Nomad would make the same task, but with a log collector.
    # Its release is `current`, as the databases': a new release is no reason to replace it.
    task "connect-proxy-log-intake" {
      kind   = "connect-proxy:log-intake"
      driver = "raw_exec"

      shutdown_delay = "5s"

      config {
        command  = "${meta.tasktracker.home}/bin/wall"
        work_dir = "${NOMAD_ALLOC_DIR}/.." # the path of Consul's socket is relative to it
        args = [
          "--user=tasktracker-log-intake-envoy",
          "--read=${meta.tasktracker.home}/releases/current",
          "--open=connect-proxy-log-intake/secrets/envoy_bootstrap.json",
          "--log=${NOMAD_ALLOC_DIR}/logs/connect-proxy-log-intake",
          "--retries=3", # what vanishes with its machine is noticed after three seconds
          "--",
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
}
