"""The bare application that each service starts from in its `create_app`."""

from fastapi import FastAPI
from starlette.types import Lifespan

from servicekit import openapi, tracing


def create(title: str, version: str, lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """Return a FastAPI application without FastAPI's own documentation pages and redirects."""
    app = FastAPI(
        title=title,
        version=version,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=openapi.operation_id,
        telemetry=tracing.telemetry(),
    )
    openapi.install(app)
    app.state.ended_sessions = frozenset()  # until session_follower replaces it
    app.state.personal_tokens = None  # the same
    return app
