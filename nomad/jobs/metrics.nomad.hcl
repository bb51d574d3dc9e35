# Metrics, dashboards and alerts of the whole cluster, on its first machine. `./just observe` runs this job.
#
# It only reads, and nothing needs it. Its pages have no login, so they are on loopback.
# Every task is behind a wall that opens only its own files (tools/wall).

variable "node" {
  description = "The name of the first machine: the data are in a folder there."
  type        = string
  default     = "node-1"
}

locals {
  rules      = fileset("nomad/jobs/metrics/rules", "*.yml")
  dashboards = fileset("nomad/jobs/metrics/dashboards", "*.json")
}

job "metrics" {
  type = "service"

  constraint {
    attribute = "${node.unique.name}"
    value     = var.node
  }

  group "store" {
    count = 1 # two would scrape everything twice

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
        static       = 8428
        host_network = "loopback"
      }

      port "alerts" {
        static       = 8880
        host_network = "loopback"
      }
    }

    # For the portal, which lists its pages. Consul need not know: nothing calls it by the mesh.
    service {
      name     = "metrics"
      port     = "http"
      provider = "nomad"
    }

    task "victoria-metrics" {
      driver      = "raw_exec"
      kill_signal = "SIGTERM"

      kill_timeout = "30s" # it writes what it has in memory

      config {
        command = "${meta.tasktracker.home}/bin/wall"
        args = [
          "--user=tasktracker-metrics", "--read=${meta.tasktracker.home}/bin/victoria-metrics",
          "--read=local", "--write=${meta.tasktracker.home}/volumes/metrics",
          "--log=${NOMAD_ALLOC_DIR}/logs/victoria-metrics", "--",
          "${meta.tasktracker.home}/bin/victoria-metrics",
          "-envflag.enable", # the keys are in keys.env
          "-httpListenAddr=127.0.0.1:8428",
          "-storageDataPath=${meta.tasktracker.home}/volumes/metrics",
          "-storage.minFreeDiskSpaceBytes=1GB", # below it nothing is stored: the databases need the space
          "-retentionPeriod=30d",
          "-memory.allowedBytes=64MiB",
          "-search.latencyOffset=0s", # an alert must not wait for samples that are there already
          # What went while this store did not run is gone after six scrapes, not only after five minutes.
          "-search.maxStalenessInterval=30s",
          "-promscrape.config=local/scrape.yml",
          "-promscrape.consulSDCheckInterval=5s",
          "-vmui.customDashboardsPath=local/dashboards",
          "-vmalert.proxyURL=http://127.0.0.1:8880",
          "-loggerLevel=WARN",
        ]
      }

      # A Consul token that may read the agents' metrics, and nothing else (consul/acl/binding-rules.json).
      consul {}

      template {
        destination = "${NOMAD_TASK_DIR}/scrape.yml"
        data        = file("nomad/jobs/metrics/scrape.yml")

        left_delimiter  = "[["
        right_delimiter = "]]"
      }

      # Whoever reaches the page may read and add series. Anything else needs a key, which nobody uses.
      template {
        destination = "${NOMAD_SECRETS_DIR}/keys.env"
        env         = true
        perms       = "0600"
        data        = <<-EOT
          {{ with nomadVar "nomad/jobs/metrics/store/victoria-metrics" }}
          deleteAuthKey={{ .key }}
          snapshotAuthKey={{ .key }}
          forceMergeAuthKey={{ .key }}
          forceFlushAuthKey={{ .key }}
          logNewSeriesAuthKey={{ .key }}
          metricNamesStatsResetAuthKey={{ .key }}
          search_resetCacheAuthKey={{ .key }}
          reloadAuthKey={{ .key }}
          pprofAuthKey={{ .key }}
          {{ end }}
        EOT
      }

      dynamic "template" {
        for_each = local.dashboards

        content {
          destination     = "local/dashboards/${template.value}"
          data            = file("nomad/jobs/metrics/dashboards/${template.value}")
          left_delimiter  = "[["
          right_delimiter = "]]"
        }
      }

      # The wall writes its few lines: Nomad's collector takes 14 MiB (docs/decisions/0043-idle.md).
      logs {
        disabled = true
      }

      resources {
        cpu    = 100
        memory = 384
      }
    }

    # Whether or not alerts are sent to somebody, their begin and end are in its log.
    task "alert-log" {
      driver      = "raw_exec"
      kill_signal = "SIGTERM"

      config {
        command = "${meta.tasktracker.home}/bin/wall"
        args = [
          "--user=tasktracker-alert-log", "--read=${meta.tasktracker.home}/releases/current", "--read=local",
          "--log=${NOMAD_ALLOC_DIR}/logs/alert-log", "--",
          # As its input: Python would open the file by its full path, which the task may not follow.
          "/bin/sh", "-c",
          "exec ${meta.tasktracker.home}/releases/current/bin/python -I -S - http://127.0.0.1:8880 <local/log_alerts.py",
        ]
      }

      template {
        destination = "${NOMAD_TASK_DIR}/log_alerts.py"
        data        = file("nomad/jobs/metrics/log_alerts.py")
      }

      # As above.
      logs {
        disabled = true
      }

      resources {
        cpu    = 20
        memory = 48
      }
    }

    # Tells how much is free on each disk with data of ours.
    task "disks" {
      driver      = "raw_exec"
      kill_signal = "SIGTERM"

      config {
        command = "${meta.tasktracker.home}/bin/wall"
        args = [
          "--user=tasktracker-disks", "--read=${meta.tasktracker.home}/releases/current", "--read=local",
          "--log=${NOMAD_ALLOC_DIR}/logs/disks", "--",
          # As its input: Python would open the file by its full path, which the task may not follow.
          "/bin/sh", "-c", "exec \"$@\" <local/disks.py", "disks",
          "${meta.tasktracker.home}/releases/current/bin/python", "-I", "-S", "-",
          "http://127.0.0.1:8428", "${node.unique.name}", "${meta.tasktracker.home}",
        ]
      }

      template {
        destination = "${NOMAD_TASK_DIR}/disks.py"
        data        = file("nomad/jobs/metrics/disks.py")

        # The file is not a template.
        left_delimiter  = "[["
        right_delimiter = "]]"
      }

      # As above.
      logs {
        disabled = true
      }

      resources {
        cpu    = 20
        memory = 48
      }
    }

    task "vmalert" {
      driver      = "raw_exec"
      kill_signal = "SIGTERM"

      config {
        command = "${meta.tasktracker.home}/bin/wall"
        args = [
          "--user=tasktracker-alerts", "--read=${meta.tasktracker.home}/bin/vmalert", "--read=local",
          "--log=${NOMAD_ALLOC_DIR}/logs/vmalert", "--",
          "${meta.tasktracker.home}/bin/vmalert",
          "-envflag.enable", # the receiver of alerts is in alerts.env
          "-httpListenAddr=127.0.0.1:8880",
          "-datasource.url=http://127.0.0.1:8428",
          "-remoteWrite.url=http://127.0.0.1:8428", # it keeps the states of the alerts there
          "-remoteRead.url=http://127.0.0.1:8428",  # and reads them again after a restart
          "-rule=local/rules/*.yml",
          "-rule.evalDelay=0s",
          "-evaluationInterval=2s",
          # How long a value counts that no newer one follows: three scrapes. By default it is five minutes, and what
          # was there before a restart of the store would count so long.
          "-datasource.queryStep=15s",
          "-loggerLevel=WARN",
        ]
      }

      # The address of a receiver may have a secret in it.
      template {
        destination = "${NOMAD_SECRETS_DIR}/alerts.env"
        env         = true
        perms       = "0600"
        data        = <<-EOT
          {{- if nomadVarExists "nomad/jobs/metrics/store/vmalert" }}
          {{- with nomadVar "nomad/jobs/metrics/store/vmalert" }}
          notifier_url={{ .webhook.Value | toJSON }}
          {{- end }}
          {{- else }}
          notifier_blackhole=true
          {{- end }}
        EOT
      }

      dynamic "template" {
        for_each = local.rules

        content {
          destination     = "local/rules/${template.value}"
          data            = file("nomad/jobs/metrics/rules/${template.value}")
          left_delimiter  = "[[" # the texts of alerts have templates of their own
          right_delimiter = "]]"
        }
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
  }
}
