Kind = "service-intentions"
Name = "task-db"

Sources = [
  {
    Name   = "task-service"
    Action = "allow"
  },
]
