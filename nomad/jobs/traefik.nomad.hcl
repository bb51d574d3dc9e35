# The gateway: it has a route for each service in Consul's catalog, and connects to them by mTLS itself.
#
# Every task is behind a wall that opens only its own files (tools/wall).

variable "release" {
  description = "The release of the program: a folder below the node's releases. `just env` has the newest."
  type        = string
  default     = "current"
}

variable "traces" {
  description = "Where spans are sent, by OTLP over HTTP. Empty: nothing is traced."
  type        = string
  default     = ""
}

variable "sampling" {
  description = "The share of requests that are traced although their caller does not ask for it: 0 to 1."
  type        = string
  default     = "0"
}

job "traefik" {
  type = "system" # one on each node: it owns the ports 8000, 8005 and 8080 there

  group "edge" {
    # No canary, because the ports are taken: a deployment restarts one node's gateway after the other, each
    # when the one before is healthy. A client of that node is refused for some seconds.
    update {
      max_parallel     = 1
      min_healthy_time = "0s"
      healthy_deadline = "4m" # a start takes two on a busy machine
      health_check     = "checks"
    }

    # The gateway of a node that was cut off goes on. A new one might start before the node's Consul has found
    # its leader again, and fail: Nomad does not try again in a system job.
    disconnect {
      lost_after = "720h"
      replace    = false
    }

    restart {
      attempts = 10
      interval = "1m"
      delay    = "1s"
      mode     = "delay"
    }

    network {
      mode = "host"

      port "web" {
        static       = 8000
        host_network = "loopback"
      }

      port "dashboard" {
        static       = 8080
        host_network = "loopback"
      }

      # For Traefik's own requests to the portal, which has the pages of its error answers.
      port "errors" {
        static       = 8005
        host_network = "loopback"
      }
    }

    service {
      name = "traefik"
      port = "web"
      task = "traefik" # the task that uses the leaf certificate

      check {
        name     = "ping"
        type     = "http"
        port     = "dashboard"
        path     = "/ping"
        interval = "1s"
        timeout  = "2s"
      }

      connect {
        native = true
      }
    }

    task "traefik" {
      driver = "raw_exec"

      kill_timeout = "30s"

      config {
        command  = "${meta.tasktracker.home}/bin/wall"
        work_dir = "${NOMAD_TASK_DIR}" # Traefik looks for plugins-local in its working folder
        args = [
          "--user=tasktracker-traefik", "--read=${meta.tasktracker.home}/releases/${var.release}",
          "--read=.", "--private=../secrets/dynamic", "--write=../tmp", "--",
          "${meta.tasktracker.home}/releases/${var.release}/bin/traefik",
          "--configFile=/proc/self/cwd/traefik.yml", # it needs an absolute name
        ]
      }

      env {
        TMPDIR = "../tmp" # Traefik buffers answers of more than 1 MiB here
        GOGC   = "400"    # its heap is small: collect less often (docs/decisions/0040-sidecars-do-no-more.md)

        TRACES_URL      = var.traces
        TRACES_SAMPLING = var.sampling
      }

      # A Consul token for this task's own identity (consul/acl/binding-rules.json).
      consul {}

      template {
        destination     = "${NOMAD_TASK_DIR}/traefik.yml"
        data            = file("traefik/traefik.yml.tmpl")
        left_delimiter  = "[["
        right_delimiter = "]]"
      }

      template {
        destination = "${NOMAD_SECRETS_DIR}/dynamic/dynamic.yml"
        data        = file("traefik/dynamic.yml")
      }

      # The routes, and the key of the task's leaf certificate: only Traefik may enter the folder.
      template {
        destination = "${NOMAD_SECRETS_DIR}/dynamic/mesh.yml"
        data        = file("traefik/mesh.yml.tmpl")
        change_mode = "noop" # Traefik watches the file

        wait {
          min = "0s"
          max = "0s"
        }
      }

      template {
        destination = "${NOMAD_TASK_DIR}/plugins-local/src/edge/.traefik.yml"
        data        = file("traefik/plugins-local/src/edge/.traefik.yml")
      }

      template {
        destination = "${NOMAD_TASK_DIR}/plugins-local/src/edge/edge.go"
        data        = file("traefik/plugins-local/src/edge/edge.go")
      }

      template {
        destination = "${NOMAD_TASK_DIR}/plugins-local/src/edge/problem.go"
        data        = file("traefik/plugins-local/src/edge/problem.go")
      }

      resources {
        cpu    = 200
        memory = 256
      }
    }
  }
}
