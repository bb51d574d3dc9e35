Kind = "service-intentions"
Name = "user-db"

Sources = [
  {
    Name   = "user-service"
    Action = "allow"
  },
]
