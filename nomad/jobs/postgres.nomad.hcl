# PostgreSQL 15 for user-service (job user-db) and task-service (job task-db). A variable selects one:
#
#     nomad job run -var name=user-db nomad/jobs/postgres.nomad.hcl
#
# Each instance is a member: Patroni with PostgreSQL as its child. One leads, the others copy it
# (docs/decisions/0058-patroni.md). The data of a member are in a folder of its node, outside any
# allocation. Other jobs reach the leader only by the mesh, and members reach each other only so.
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

variable "members" {
  description = "How many members the database has: at most one on each node."
  type        = number
  default     = 1
}

variable "handover" {
  description = "Whether the next instance of the only member starts beside the present one, and waits for its data."
  type        = bool
  default     = false
}

variable "programs" {
  description = "The folder with the programs of PostgreSQL, below /usr: a wall opens nothing else."
  type        = string
  default     = "/usr/lib/postgresql/15/bin"
}

locals {
  noun = trimsuffix(var.name, "-db") # the start of the names of the database and its roles
  rest = "${var.name}-rest"          # the service of Patroni's own API

  # What only several members need: they find each other by these upstreams. A machine that nobody can
  # join has none of it. On any other it is there before the second member is, whose start then changes
  # nothing for the first.
  numbers  = var.network == "" ? [] : [1, 2, 3]
  services = var.network == "" ? [var.name] : [var.name, local.rest]

  # What only the only member has: a check of Consul's own. The script for several would take 0.8 % of a core
  # here, and could do nothing, because there is no replica (docs/decisions/0077-idle-again.md).
  alone = var.network == "" ? [8008] : []

  # Patroni reaches Consul through its sidecar, and only its own keys. The sidecar's user is the only
  # one that may enter the folder of the socket. In an allocation's network the port is free.
  consul_paths = [
    { prefix = "/v1/kv/service/${var.name}/" },
    { path = "/v1/session/create" },
    { prefix = "/v1/session/renew/" },
    { prefix = "/v1/session/destroy/" },
  ]
  consul_listener = {
    name    = "consul"
    address = { socket_address = { address = "127.0.0.1", port_value = 8500 } }
    filter_chains = [{
      filters = [{
        name = "envoy.filters.network.http_connection_manager"
        typed_config = {
          "@type"                          = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
          stat_prefix                      = "consul"
          normalize_path                   = true
          merge_slashes                    = true
          path_with_escaped_slashes_action = "REJECT_REQUEST"
          generate_request_id              = false
          stream_idle_timeout              = "60s" # longer than Patroni's longest question
          http_filters = [{
            name = "envoy.filters.http.router"
            typed_config = {
              "@type"                = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
              suppress_envoy_headers = true
            }
          }]
          route_config = {
            virtual_hosts = [{
              name    = "consul"
              domains = ["*"]
              routes = [for match in local.consul_paths : {
                match = match
                route = { cluster = "consul", timeout = "0s" }
              }]
            }]
          }
        }
      }]
    }]
  }
  consul_cluster = {
    name            = "consul"
    type            = "STATIC"
    connect_timeout = "1s"
    load_assignment = {
      cluster_name = "consul"
      endpoints = [{
        lb_endpoints = [{
          endpoint = { address = { pipe = { path = "$${meta.tasktracker.home}/consul-api/${var.name}/http.sock" } } }
        }]
      }]
    }
  }
}

job "postgres" {
  id   = var.name # a label cannot have a variable
  name = var.name
  type = "service"

  # A change makes a new version, which restarts the database.
  meta {
    network = var.network
    locks   = "data" # so the next instance may start beside this one (start.sh)
  }

  group "db" {
    count = var.members

    # Two servers must not use one folder. In a handover the lock of start.sh sees to it.
    dynamic "constraint" {
      for_each = var.handover ? [] : [true]

      content {
        distinct_hosts = constraint.value
      }
    }

    # The number of the member, which its node has.
    constraint {
      attribute = "${meta.tasktracker.member}"
      operator  = "is_set"
    }

    # The check of a replica never passes: where there may be several members, only the tasks count. A
    # machine that joins adds a member without this file, so it is not their number that counts.
    update {
      max_parallel     = 1
      canary           = var.handover ? 1 : 0
      min_healthy_time = var.network == "" || var.handover ? "0s" : "10s"
      healthy_deadline = "4m" # a start takes two on a busy machine
      health_check     = var.network == "" ? "checks" : "task_states"
    }

    # A drain ends the only member of its node at once, whatever Nomad knows of the health of the others.
    migrate {
      max_parallel     = 3
      min_healthy_time = "0s"
      healthy_deadline = "4m" # as above
      health_check     = "task_states"
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

      dynamic "port" {
        for_each = local.alone
        labels   = ["patroni"]

        content {}
      }
    }

    service {
      name = var.name
      port = "5432"

      # The sidecar inherits these: they lead to its metrics (nomad/jobs/metrics/scrape.yml), and from the
      # name of a member to its instance (consul/config-entries/service-resolver).
      meta {
        allocation   = "${NOMAD_ALLOC_ID}"
        sidecar_port = "${NOMAD_HOST_PORT_sidecar}"
        member       = "m${meta.tasktracker.member}"
      }

      dynamic "check" {
        for_each = local.alone

        content {
          name     = "leads"
          type     = "http"
          method   = "HEAD"
          path     = "/primary"
          port     = "patroni" # through the sidecar
          interval = "1s"
          timeout  = "6s" # as long as the script waits
        }
      }

      dynamic "check" {
        for_each = length(local.alone) == 0 ? ["leads"] : []

        content {
          name    = check.value
          type    = "script"
          task    = "postgres"
          command = "/bin/sh"
          args = [
            "-c", file("nomad/jobs/postgres/check.sh"), "check",
            "${meta.tasktracker.home}/bin/wall", "tasktracker-${var.name}", "${meta.tasktracker.home}/volumes/${var.name}",
            "${file("nomad/jobs/postgres/give_lead.sh")}${file("nomad/jobs/postgres/leads.sh")}",
          ]
          interval  = "1s"
          timeout   = "9s" # it asks three times
          on_update = "ignore_warnings"
        }
      }

      connect {
        sidecar_service {
          # The sidecar's own TCP check has an interval of ten seconds. The check above is quicker.
          disable_default_tcp_check = true

          proxy {
            config {
              envoy_extra_static_listeners_json = jsonencode(local.consul_listener)
              envoy_extra_static_clusters_json  = jsonencode(local.consul_cluster)
            }

            dynamic "expose" {
              for_each = local.alone

              content {
                path {
                  path            = "/primary"
                  protocol        = "http"
                  local_path_port = expose.value
                  listener_port   = "patroni"
                }
              }
            }

            dynamic "upstreams" {
              for_each = local.numbers

              content {
                destination_name = "${var.name}-m${upstreams.value}"
                local_bind_port  = 5440 + upstreams.value
              }
            }

            dynamic "upstreams" {
              for_each = local.numbers

              content {
                destination_name = "${local.rest}-m${upstreams.value}"
                local_bind_port  = 8440 + upstreams.value
              }
            }
          }
        }
      }
    }

    # Patroni's own API, for the other members.
    dynamic "service" {
      for_each = var.network == "" ? [] : [local.rest]

      content {
        name = service.value
        port = "8008"

        meta {
          allocation = "${NOMAD_ALLOC_ID}"
          member     = "m${meta.tasktracker.member}"
        }

        connect {
          sidecar_service {
            disable_default_tcp_check = true

            proxy {
              config {
                envoy_prometheus_bind_addr = "127.0.0.1:9103" # the other sidecar has 9102
              }
            }
          }
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
      for_each = local.services
      labels   = ["connect-proxy-${task.value}"] # a label of an ordinary block cannot have a variable

      content {
        kind   = "connect-proxy:${task.value}"
        driver = "raw_exec"

        lifecycle {
          hook    = "prestart"
          sidecar = true
        }

        config {
          command  = "${meta.tasktracker.home}/bin/wall"
          work_dir = "${NOMAD_ALLOC_DIR}/.." # the path of Consul's socket is relative to it
          args = [
            "--user=tasktracker-${task.value}-envoy",
            "--read=${meta.tasktracker.home}/releases/current",
            "--open=connect-proxy-${task.value}/secrets/envoy_bootstrap.json",
            "--log=${NOMAD_ALLOC_DIR}/logs/connect-proxy-${task.value}",
            "--retries=3", # a member that vanishes with its machine is noticed after three seconds
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

    task "postgres" {
      driver = "raw_exec"

      kill_signal  = "SIGTERM" # Patroni ends PostgreSQL's sessions, loses no data, and gives up the lead
      kill_timeout = "60s"

      config {
        command = "${meta.tasktracker.home}/bin/wall"
        args = [
          "--user=tasktracker-${var.name}", "--read=local", "--open=secrets/patroni.yml",
          "--read=${meta.tasktracker.home}/releases/current",
          "--write=${meta.tasktracker.home}/volumes/${var.name}", "--",
          "/bin/bash", "local/start.sh",
        ]
      }

      env {
        PGBIN      = var.programs
        DATA       = "${meta.tasktracker.home}/volumes/${var.name}/data"
        SOCKETS    = "${meta.tasktracker.home}/volumes/${var.name}/run"
        HBA        = "local/pg_hba.conf"
        LOGGING    = "local/logging.conf"
        SCRIPTS    = "local"
        PATRONI    = "${meta.tasktracker.home}/releases/current"
        CLUSTER    = var.name
        MEMBER     = "${meta.tasktracker.member}"
        DATABASE   = "${local.noun}_db"
        OWNER      = "${local.noun}_owner"
        OWNER_TWIN = "${local.noun}_owner_twin"
        APP        = "${local.noun}_app"
        APP_TWIN   = "${local.noun}_app_twin"
        BACKUP     = "${local.noun}_backup"
        MONITOR    = "${local.noun}_monitor"
        REPLICA    = "${local.noun}_replica"
        REWIND     = "${local.noun}_rewind"
      }

      # A Consul token for this task's own identity (consul/acl/binding-rules.json).
      consul {}

      dynamic "template" {
        for_each = [
          "start.sh", "give_lead.sh", "prepare.sh", "roles.sh", "stop.sh", "pg_hba.conf", "logging.conf",
        ]

        content {
          destination = "${NOMAD_TASK_DIR}/${template.value}"
          data        = file("nomad/jobs/postgres/${template.value}")
        }
      }

      # Only root may read it. The wall opens it for start.sh.
      template {
        destination = "${NOMAD_SECRETS_DIR}/patroni.yml"
        perms       = "0600"
        data        = replace(file("nomad/jobs/postgres/patroni.yml.tmpl"), "NAME", var.name)
        change_mode = "noop" # a restart would be too much for it
      }

      template {
        destination = "${NOMAD_SECRETS_DIR}/roles.env"
        env         = true
        perms       = "0600"
        change_mode = "noop"
        data        = <<-EOT
          {{ with nomadVar "nomad/jobs/${var.name}/db/postgres" }}
          SERIES={{ .series }}
          ROTATION={{ .rotation }}
          OWNER_PASSWORD={{ .owner_password }}
          OWNER_TWIN_PASSWORD={{ .owner_twin_password }}
          APP_PASSWORD={{ .app_password }}
          APP_TWIN_PASSWORD={{ .app_twin_password }}
          BACKUP_PASSWORD={{ .backup_password }}
          MONITOR_PASSWORD={{ .monitor_password }}
          REPLICA_PASSWORD={{ .replica_password }}
          REWIND_PASSWORD={{ .rewind_password }}
          {{ end }}
        EOT
      }

      resources {
        cpu    = 200
        memory = 544
      }
    }
  }
}
