# The gateway: routes by the tags in Consul's catalog, and speaks mTLS to every service itself.
#
# Every task is behind a wall that leaves it its own room and nothing else (tools/wall).

variable "release" {
  description = "A folder below the node's releases: the program that runs. `just env` names the newest."
  type        = string
  default     = "current"
}

job "traefik" {
  type = "service"

  group "edge" {
    count = 1 # it owns the ports 8000, 8005 and 8080 of its node

    update {
      max_parallel     = 1
      min_healthy_time = "0s"
      healthy_deadline = "2m"
      health_check     = "checks"
    }

    restart {
      attempts = 10
      interval = "1m"
      delay    = "1s"
      mode     = "delay"
    }

    reschedule {
      delay          = "5s" # the least that Nomad takes
      delay_function = "constant"
      unlimited      = true
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

      # For its own requests to the portal, whose pages its error answers are.
      port "errors" {
        static       = 8005
        host_network = "loopback"
      }
    }

    service {
      name = "traefik"
      port = "web"
      task = "traefik" # whose leaf certificate it is

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
        work_dir = "${NOMAD_TASK_DIR}" # where Traefik looks for plugins-local
        args = [
          "--user=tasktracker-traefik", "--read=${meta.tasktracker.home}/releases/${var.release}",
          "--read=${meta.tasktracker.home}/traefik", "--read=.", "--write=../tmp", "--",
          "${meta.tasktracker.home}/releases/${var.release}/bin/traefik",
          "--configFile=/proc/self/cwd/traefik.yml", # it would not take a relative name
        ]
      }

      env {
        TMPDIR = "../tmp" # where an answer of more than 1 MiB waits
      }

      # A Consul token for this task's own identity (consul/acl/binding-rules.json).
      consul {}

      # Traefik's Consul client reads it from the environment: no file holds it.
      template {
        destination = "${NOMAD_SECRETS_DIR}/consul.env"
        env         = true
        perms       = "0600"
        data        = "CONSUL_HTTP_TOKEN={{ env \"CONSUL_TOKEN\" }}"
      }

      template {
        destination     = "${NOMAD_TASK_DIR}/traefik.yml"
        data            = file("traefik/traefik.yml.tmpl")
        left_delimiter  = "[["
        right_delimiter = "]]"
      }

      template {
        destination = "${NOMAD_TASK_DIR}/dynamic.yml"
        data        = file("traefik/dynamic.yml")
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
