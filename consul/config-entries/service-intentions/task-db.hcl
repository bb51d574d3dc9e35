Kind = "service-intentions"
Name = "task-db"

Sources = [
  {
    Name   = "task-service"
    Action = "allow"
  },
  {
    # It receives the log and makes base backups, as a role that may do nothing else (roles.sh).
    Name   = "backup"
    Action = "allow"
  },
  {
    # It reads statistics, as a role that may do nothing else (roles.sh).
    Name   = "postgres-exporter"
    Action = "allow"
  },
  {
    # A member receives the log of the leader, as a role that may do nothing else (roles.sh).
    Name   = "task-db"
    Action = "allow"
  },
]
