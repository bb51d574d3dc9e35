Kind     = "service-defaults"
Name     = "postgres-exporter"
Protocol = "tcp"
