Kind     = "service-defaults"
Name     = "traefik"
Protocol = "http"
