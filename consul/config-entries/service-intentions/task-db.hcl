Kind = "service-intentions"
Name = "task-db"

Sources = [
  {
    Name   = "task-service"
    Action = "allow"
  },
  {
    # It receives the log and makes base backups, as a role that may do nothing else (prepare.sh).
    Name   = "backup"
    Action = "allow"
  },
  {
    # It reads statistics, as a role that may do nothing else (prepare.sh).
    Name   = "postgres-exporter"
    Action = "allow"
  },
]
