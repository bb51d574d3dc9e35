Kind = "service-intentions"
Name = "user-db"

Sources = [
  {
    Name   = "user-service"
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
    Name   = "user-db"
    Action = "allow"
  },
]
