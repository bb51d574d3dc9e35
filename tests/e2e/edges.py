"""The connections that the mesh must allow. They are written here by hand, not read."""

SERVICES = ("user-db", "task-db", "user-service", "task-service", "stats-service", "portal")
DATABASES = ("user-db", "task-db")
SOURCES = (*SERVICES, "traefik", "backup", "postgres-exporter")

ALLOWED = {
    ("user-service", "user-db"),
    ("task-service", "task-db"),
    ("backup", "user-db"),
    ("backup", "task-db"),
    ("postgres-exporter", "user-db"),
    ("postgres-exporter", "task-db"),
    ("traefik", "user-service"),
    ("traefik", "task-service"),
    ("traefik", "stats-service"),
    ("traefik", "portal"),
}
# The paths that each source may get, and nothing else.
DOCUMENTS = ("/health", "/openapi.json")
COUNTS = "/api/v1/tasks/stats"
TOKEN_CHECKS = ("/internal/ended-sessions", "/internal/personal-token")
PARTLY = {
    ("portal", "user-service"): DOCUMENTS,
    ("portal", "task-service"): DOCUMENTS,
    ("portal", "stats-service"): DOCUMENTS,
    ("task-service", "user-service"): TOKEN_CHECKS,
    ("stats-service", "user-service"): TOKEN_CHECKS,
    ("stats-service", "task-service"): (COUNTS,),
}

EDGES = [(source, to) for source in SOURCES for to in SERVICES if source != to]
