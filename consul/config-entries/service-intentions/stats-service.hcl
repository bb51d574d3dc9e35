Kind = "service-intentions"
Name = "stats-service"

Sources = [
  {
    Name   = "traefik"
    Action = "allow"
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
