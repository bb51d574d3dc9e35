Kind = "service-intentions"
Name = "portal"

Sources = [
  {
    Name   = "traefik"
    Action = "allow"
  },
]
