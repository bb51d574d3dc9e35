"""What Traefik is told of the portal, where no job tells it."""

TAGS = (
    "traefik.enable=true",
    "traefik.http.routers.portal.rule=PathPrefix(`/`)",
    "traefik.http.routers.portal.entrypoints=web",
    "traefik.http.routers.portal.priority=1",  # below every route to a service
    # The portal's own figures are for whoever runs it: from outside there is no such page.
    "traefik.http.routers.metrics.rule=Path(`/metrics`)",
    "traefik.http.routers.metrics.entrypoints=web",
    "traefik.http.routers.metrics.middlewares=not-routed",
    "traefik.http.middlewares.not-routed.replacepath.path=/not-routed",
)
