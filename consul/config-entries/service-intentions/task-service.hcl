Kind = "service-intentions"
Name = "task-service"

Sources = [
  {
    Name   = "traefik"
    Action = "allow"
  },
  {
    # It may only count a user's tasks, with that user's token.
    Name = "stats-service"
    Permissions = [
      {
        Action = "allow"
        HTTP = {
          PathExact = "/api/v1/tasks/stats"
          Methods   = ["GET"]
        }
      },
    ]
  },
  {
    # The portal only shows health and API documents. It never acts for a user.
    Name = "portal"
    Permissions = [
      {
        Action = "allow"
        HTTP = {
          PathExact = "/health"
          Methods   = ["GET"]
        }
      },
      {
        Action = "allow"
        HTTP = {
          PathExact = "/openapi.json"
          Methods   = ["GET"]
        }
      },
    ]
  },
]
