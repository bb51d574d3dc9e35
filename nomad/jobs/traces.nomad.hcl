# Keeps the newest traces, in memory. `./just observe --traces` runs this job.
#
# Nothing needs it: spans that cannot be sent are lost. Its API has no login, so it is on loopback. It takes
# spans at an address that only this machine and its allocations reach (docs/decisions/0060-traces.md). Those of
# machines that have joined come there by the mesh (docs/decisions/0070-joined-metrics-and-traces.md).
# The task is behind a wall that opens only its own files (tools/wall).

variable "node" {
  description = "The name of the first machine."
  type        = string
  default     = "node-1"
}

variable "sampling" {
  description = "The share of requests that the gateway traces unasked. `up` reads it here."
  type        = string
  default     = "0"
}

job "traces" {
  type = "service"

  meta {
    sampling = var.sampling
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

    network {
      mode = "host"

      port "api" {
        static       = 16686
        host_network = "loopback"
      }

      port "grpc" {
        static       = 16685
        host_network = "loopback"
      }

      port "spans" {
        static = 4318
      }
    }

    # For the portal, which lists its API. Consul need not know: nothing calls it by the mesh.
    service {
      name     = "traces"
      port     = "api"
      provider = "nomad"
    }

    task "jaeger" {
      driver      = "raw_exec"
      kill_signal = "SIGTERM"

      config {
        command = "${meta.tasktracker.home}/bin/wall"
        args = [
          "--user=tasktracker-traces", "--read=${meta.tasktracker.home}/bin/jaeger", "--read=local",
          "--log=${NOMAD_ALLOC_DIR}/logs/jaeger", "--",
          "${meta.tasktracker.home}/bin/jaeger", "--config=local/jaeger.yml",
        ]
      }

      env {
        GOMEMLIMIT = "200MiB" # less than what the task may use
      }

      template {
        destination = "${NOMAD_TASK_DIR}/jaeger.yml"
        data        = file("nomad/jobs/traces/jaeger.yml")
      }

      # The wall writes its few lines: Nomad's collector takes 14 MiB (docs/decisions/0043-idle.md).
      logs {
        disabled = true
      }

      resources {
        cpu    = 50
        memory = 256
      }
    }
  }
}
