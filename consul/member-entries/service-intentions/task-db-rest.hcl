Kind = "service-intentions"
Name = "task-db-rest"

Sources = [
  {
    # The members ask each other who may lead.
    Name   = "task-db"
    Action = "allow"
  },
]
