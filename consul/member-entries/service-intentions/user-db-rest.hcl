Kind = "service-intentions"
Name = "user-db-rest"

Sources = [
  {
    # The members ask each other who may lead.
    Name   = "user-db"
    Action = "allow"
  },
]
