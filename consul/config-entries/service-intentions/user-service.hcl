Kind = "service-intentions"
Name = "user-service"

Sources = [
  {
    Name   = "traefik"
    Action = "allow"
  },
  {
    # A service that checks tokens needs the ended sessions, and the scopes of personal tokens.
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
