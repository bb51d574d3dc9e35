Kind = "service-intentions"
Name = "user-service"

Sources = [
  {
    Name   = "traefik"
    Action = "allow"
  },
  {
    # Who checks tokens asks which sessions have ended, and what a personal one grants.
    Name = "task-service"
    Permissions = [
      {
        Action = "allow"
        HTTP = {
          PathExact = "/internal/ended-sessions"
          Methods   = ["GET"]
        }
      },
      {
        Action = "allow"
        HTTP = {
          PathExact = "/internal/personal-token"
          Methods   = ["GET"]
        }
      },
    ]
  },
  {
    Name = "stats-service"
    Permissions = [
      {
        Action = "allow"
        HTTP = {
          PathExact = "/internal/ended-sessions"
          Methods   = ["GET"]
        }
      },
      {
        Action = "allow"
        HTTP = {
          PathExact = "/internal/personal-token"
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
