# Sends what each machine that has joined can tell to the stores on the first one, by the mesh: lines of logs,
# metrics of the agents, the gateway and the disks, and spans. `./just observe` runs this job where other machines
# can join (docs/decisions/0067-joined-logs.md, docs/decisions/0070-joined-metrics-and-traces.md).
#
# It is a system job, so a machine that joins later has it, too. The collector of the first machine is in the
# job `logs`.

variable "node" {
  description = "The name of the first machine."
  type        = string
  default     = "node-1"
}

variable "network" {
  description = "A name for the network that sidecars are registered in. Another one makes new instances."
  type        = string
  default     = ""
}

variable "vlagent" {
  description = "The SHA-256 of vlagent, which the stores of artifacts have."
  type        = string
  default     = "0000000000000000000000000000000000000000000000000000000000000000"
}

variable "vmagent" {
  description = "The SHA-256 of vmagent, which the stores of artifacts have."
  type        = string
  default     = "0000000000000000000000000000000000000000000000000000000000000000"
}

job "collector" {
  type = "system"

  # A change makes a new version, which restarts the job.
  meta {
    network = var.network
  }

  constraint {
    attribute = "${node.unique.name}"
    operator  = "!="
    value     = var.node
  }

  group "machine" {
    update {
      max_parallel     = 1
      min_healthy_time = "0s"
      healthy_deadline = "4m" # a start takes two on a busy machine
      health_check     = "task_states"
    }

    # As the gateway's: on a machine that was cut off it goes on.
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
      mode = "bridge"

      port "sidecar" { to = 9102 } # metrics of the sidecar

      # Where this machine's gateway, services and sidecars send spans: the same address as on the first one. It
      # leads to the sidecar, so nobody else can listen there while this job runs.
      port "spans" {
        static       = 4318
        to           = 9428
        host_network = "node"
      }
    }

    service {
      name = "collector"
      port = "9429"

      # The sidecar inherits these: they lead to its metrics (nomad/jobs/metrics/scrape.yml).
      meta {
        allocation   = "${NOMAD_ALLOC_ID}"
        sidecar_port = "${NOMAD_HOST_PORT_sidecar}"
      }

      connect {
        sidecar_service {
          # Nobody connects to it.
          disable_default_tcp_check = true

          proxy {
            upstreams {
              destination_name   = "intake"
              local_bind_address = "0.0.0.0" # for the port of spans
              local_bind_port    = 9428
            }
          }
        }
      }
    }

    # The sidecar. From a `sidecar_task` Nomad would make the same task, but with a log collector.
    # Its release is `current`, as the databases': a new release is no reason to replace it.
    task "connect-proxy-collector" {
      kind   = "connect-proxy:collector"
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
          "--user=tasktracker-collector-envoy",
          "--read=${meta.tasktracker.home}/releases/current",
          "--open=connect-proxy-collector/secrets/envoy_bootstrap.json",
          "--log=${NOMAD_ALLOC_DIR}/logs/connect-proxy-collector",
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

    # It has no wall: it writes programs that other users run, as the job `release` does.
    task "install" {
      driver = "raw_exec"

      lifecycle {
        hook = "prestart"
      }

      # From this machine's own store, which asks those of the others. All its files have this ending.
      artifact {
        source      = "http://127.0.0.1:8006/${var.vlagent}.pex"
        destination = "local/vlagent"
        mode        = "file"

        options {
          checksum = "sha256:${var.vlagent}"
        }
      }

      artifact {
        source      = "http://127.0.0.1:8006/${var.vmagent}.pex"
        destination = "local/vmagent"
        mode        = "file"

        options {
          checksum = "sha256:${var.vmagent}"
        }
      }

      config {
        command  = "/bin/sh"
        work_dir = "${NOMAD_TASK_DIR}"
        args = [
          "-euc", <<-EOT
            exec >"$NOMAD_ALLOC_DIR/logs/install.stdout.0" 2>"$NOMAD_ALLOC_DIR/logs/install.stderr.0"
            printf '%s  vlagent\n%s  vmagent\n' "$2" "$3" | sha256sum --check --strict --quiet
            for program in vlagent vmagent; do
                install -m 755 "$program" "$1/bin/.$program"
                mv "$1/bin/.$program" "$1/bin/$program"
            done
            install -d -m 700 -o tasktracker-collector -g tasktracker-collector "$1/volumes/collector"
            install -d -m 700 -o tasktracker-scraper -g tasktracker-scraper "$1/volumes/scraper"
            install -d -m 750 -o root -g tasktracker-collector "$1/volumes/log-links"
          EOT
          , "install", "${meta.tasktracker.home}", var.vlagent, var.vmagent,
        ]
      }

      # It writes the files that Nomad shows itself: a collector would stay for as long as the allocation.
      logs {
        disabled = true
      }

      resources {
        cpu    = 50
        memory = 64
      }
    }

    # It has no wall: it makes links to files of root's.
    task "link" {
      driver = "raw_exec"

      config {
        command = "${meta.tasktracker.home}/releases/current/bin/python"
        args = [
          "-I", "-S", "local/link.py", "${meta.tasktracker.home}",
          "${meta.tasktracker.home}/volumes/log-links", "tasktracker-collector", "${node.unique.name}",
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
          {{ with nomadVar "nomad/jobs/collector/machine/vlagent" }}
          httpAuth_username=operator
          httpAuth_password={{ .password }}
          remoteWrite_basicAuth_username=operator
          remoteWrite_basicAuth_password={{ .password }}
          {{ end }}
        EOT
      }

      # As the sidecar's.
      logs {
        disabled = true
      }

      resources {
        cpu    = 50
        memory = 96
      }
    }

    # Asks the agents and the gateway, and takes the figures of the task `disks`.
    task "vmagent" {
      driver      = "raw_exec"
      kill_signal = "SIGTERM"

      config {
        command = "${meta.tasktracker.home}/bin/wall"
        args = [
          "--user=tasktracker-scraper", "--read=${meta.tasktracker.home}/bin/vmagent", "--read=local",
          "--write=${meta.tasktracker.home}/volumes/scraper",
          "--log=${NOMAD_ALLOC_DIR}/logs/vmagent", "--",
          "${meta.tasktracker.home}/bin/vmagent",
          "-envflag.enable",                # the password is in scraper.env
          "-httpListenAddr=127.0.0.1:8429", # in the network of this job
          "-promscrape.config=local/scrape.yml",
          "-remoteWrite.url=http://127.0.0.1:9428/api/v1/write",
          "-remoteWrite.maxDiskUsagePerURL=600MiB", # while the store is away; about the minimum
          "-remoteWrite.tmpDataPath=${meta.tasktracker.home}/volumes/scraper",
          "-remoteWrite.queues=1",
          "-memory.allowedBytes=32MiB",
          "-loggerLevel=WARN",
        ]
      }

      # A Consul token that may read the agents' metrics, and nothing else (consul/acl/binding-rules.json).
      consul {}

      template {
        destination = "${NOMAD_TASK_DIR}/scrape.yml"
        data        = file("nomad/jobs/collector/scrape.yml")

        left_delimiter  = "[["
        right_delimiter = "]]"
      }

      template {
        destination = "${NOMAD_SECRETS_DIR}/scraper.env"
        env         = true
        perms       = "0600"
        data        = <<-EOT
          {{ with nomadVar "nomad/jobs/collector/machine/vmagent" }}
          remoteWrite_basicAuth_username=operator
          remoteWrite_basicAuth_password={{ .password }}
          {{ end }}
        EOT
      }

      # As the sidecar's.
      logs {
        disabled = true
      }

      resources {
        cpu    = 50
        memory = 96
      }
    }

    # Tells how much is free on each disk with data of ours (nomad/jobs/metrics.nomad.hcl has it, too).
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
          "http://127.0.0.1:8429", "${node.unique.name}", "${meta.tasktracker.home}",
        ]
      }

      template {
        destination = "${NOMAD_TASK_DIR}/disks.py"
        data        = file("nomad/jobs/metrics/disks.py")

        # The file is not a template.
        left_delimiter  = "[["
        right_delimiter = "]]"
      }

      # As the sidecar's.
      logs {
        disabled = true
      }

      resources {
        cpu    = 20
        memory = 48
      }
    }

    # Without the links, a log's space is free when it is deleted.
    task "unlink" {
      driver = "raw_exec"

      lifecycle {
        hook = "poststop"
      }

      config {
        command = "/bin/rm"
        args    = ["-rf", "${meta.tasktracker.home}/volumes/log-links"]
      }

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
