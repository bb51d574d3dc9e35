# Stores the lines of every log on the first machine, and keeps them when an instance and its files are gone.
# `./just observe` runs this job.
#
# It only reads, and nothing needs it. Lines of logs name users by their number, so its pages ask for the
# password of nomad/jobs/logs/store/victoria-logs (docs/decisions/0055-logs.md).
# Every task is behind a wall that opens only its own files (tools/wall).

variable "node" {
  description = "The name of the first machine: the data are in a folder there."
  type        = string
  default     = "node-1"
}

variable "network" {
  description = "Where other machines reach the first one. If it is empty, there is no other one."
  type        = string
  default     = ""
}

job "logs" {
  type = "service"

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

    # A lost machine still has its data.
    disconnect {
      lost_after = "8760h"
      replace    = false
      reconcile  = "keep_original"
    }

    restart {
      attempts = 10
      interval = "1m"
      delay    = "1s"
      mode     = "delay"
    }

    network {
      mode = "host"

      port "http" {
        static       = 9428
        host_network = "loopback"
      }

      port "collector" {
        static       = 9429
        host_network = "loopback"
      }
    }

    # For the portal, which lists its page. Consul need not know: nothing calls it by the mesh.
    service {
      name     = "logs"
      port     = "http"
      provider = "nomad"
    }

    task "victoria-logs" {
      driver      = "raw_exec"
      kill_signal = "SIGTERM"

      kill_timeout = "30s" # it writes what it has in memory

      config {
        command = "${meta.tasktracker.home}/bin/wall"
        args = [
          "--user=tasktracker-logs", "--read=${meta.tasktracker.home}/bin/victoria-logs",
          "--write=${meta.tasktracker.home}/volumes/logs",
          "--log=${NOMAD_ALLOC_DIR}/logs/victoria-logs", "--",
          "${meta.tasktracker.home}/bin/victoria-logs",
          "-envflag.enable", # the password is in logs.env
          "-httpListenAddr=127.0.0.1:9428",
          "-storageDataPath=${meta.tasktracker.home}/volumes/logs",
          "-retentionPeriod=14d",
          "-retention.maxDiskSpaceUsageBytes=1GiB",
          # Below it nothing is stored: the databases need the space, and vlagent then buffers on the same disk.
          "-storage.minFreeDiskSpaceBytes=2GB",
          "-memory.allowedBytes=64MiB",
          "-loggerLevel=WARN",
        ]
      }

      template {
        destination = "${NOMAD_SECRETS_DIR}/logs.env"
        env         = true
        perms       = "0600"
        data        = <<-EOT
          {{ with nomadVar "nomad/jobs/logs/store/victoria-logs" }}
          httpAuth_username=operator
          httpAuth_password={{ .password }}
          {{ end }}
        EOT
      }

      # The wall writes its few lines: Nomad's collector takes 14 MiB (docs/decisions/0043-idle.md).
      logs {
        disabled = true
      }

      resources {
        cpu    = 100
        memory = 256
      }
    }

    task "vlagent" {
      driver      = "raw_exec"
      kill_signal = "SIGTERM"

      config {
        command = "${meta.tasktracker.home}/bin/wall"
        args = [
          "--user=tasktracker-collector", "--read=${meta.tasktracker.home}/bin/vlagent",
          "--read=${meta.tasktracker.home}/volumes/log-links",
          "--write=${meta.tasktracker.home}/volumes/collector",
          "--log=${NOMAD_ALLOC_DIR}/logs/vlagent", "--",
          "${meta.tasktracker.home}/bin/vlagent",
          "-envflag.enable", # the password is in collector.env
          "-httpListenAddr=127.0.0.1:9429",
          "-remoteWrite.url=http://127.0.0.1:9428/internal/insert",
          "-remoteWrite.maxDiskUsagePerURL=600MiB", # while the store is away; about the minimum
          "-tmpDataPath=${meta.tasktracker.home}/volumes/collector",
          "-fileCollector.glob=${meta.tasktracker.home}/volumes/log-links/*",
          "-fileCollector.refreshInterval=2s",
          "-fileCollector.hostnameField=",
          "-fileCollector.msgField=event,message,msg",
          "-fileCollector.timeField=timestamp,StartUTC,time,ts",
          "-defaultMsgValue=-",
          "-memory.allowedBytes=32MiB",
          "-loggerLevel=WARN",
        ]
      }

      template {
        destination = "${NOMAD_SECRETS_DIR}/collector.env"
        env         = true
        perms       = "0600"
        data        = <<-EOT
          {{ with nomadVar "nomad/jobs/logs/store/vlagent" }}
          httpAuth_username=operator
          httpAuth_password={{ .password }}
          remoteWrite_basicAuth_username=operator
          remoteWrite_basicAuth_password={{ .password }}
          {{ end }}
        EOT
      }

      # As above.
      logs {
        disabled = true
      }

      resources {
        cpu    = 50
        memory = 96
      }
    }

    # Takes what the job `intake` passes on from other machines, and gives it to the store of each kind. Only this
    # machine and its allocations have its address, and each of them needs the password. Spans are the exception:
    # their senders have none, here as on the machines that have joined.
    dynamic "task" {
      for_each = var.network == "" ? [] : ["vmauth"]
      labels   = ["vmauth"]

      content {
        driver      = "raw_exec"
        kill_signal = "SIGTERM"

        config {
          command = "${meta.tasktracker.home}/bin/wall"
          args = [
            "--user=tasktracker-intake", "--read=${meta.tasktracker.home}/bin/vmauth", "--read=local",
            "--log=${NOMAD_ALLOC_DIR}/logs/vmauth", "--",
            "${meta.tasktracker.home}/bin/vmauth",
            "-httpListenAddr=169.254.1.1:9428",
            "-httpInternalListenAddr=", # nowhere: neither its figures nor a reload
            "-auth.config=local/vmauth.yml",
            "-maxConcurrentRequests=50",
            "-loggerLevel=WARN",
          ]
        }

        template {
          destination = "${NOMAD_TASK_DIR}/vmauth.yml"
          data        = file("nomad/jobs/logs/vmauth.yml")

          # The file is not a template.
          left_delimiter  = "[["
          right_delimiter = "]]"
        }

        template {
          destination = "${NOMAD_SECRETS_DIR}/intake.env"
          env         = true
          perms       = "0600"
          data        = <<-EOT
            {{ with nomadVar "nomad/jobs/logs/store/vmauth" }}
            INTAKE_PASSWORD={{ .password }}
            {{ end }}
          EOT
        }

        # As above.
        logs {
          disabled = true
        }

        resources {
          cpu    = 20
          memory = 64
        }
      }
    }

    # The only task without a wall here: it makes links to files of root's.
    task "link" {
      driver = "raw_exec"

      config {
        command = "${meta.tasktracker.home}/releases/current/bin/python"
        args = [
          "-I", "-S", "local/link.py", "${meta.tasktracker.home}",
          "${meta.tasktracker.home}/volumes/log-links", "tasktracker-collector",
        ]
      }

      template {
        destination = "${NOMAD_TASK_DIR}/link.py"
        data        = file("nomad/jobs/logs/link.py")
      }

      # It writes nothing. Why it ended is an event of Nomad.
      logs {
        disabled = true
      }

      resources {
        cpu    = 20
        memory = 32
      }
    }
  }
}
