Kind = "service-intentions"
Name = "task-service"

Sources = [
  {
    Name   = "traefik"
    Action = "allow"
  },
  {
    # It counts a user's tasks with that user's token, and does nothing else here.
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
    # The portal reports health and shows the documents; it never acts for a user.
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
