"""The bare application that a service's composition root starts from."""

from fastapi import FastAPI
from starlette.types import Lifespan

from servicekit import openapi


def create(title: str, version: str, lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """A FastAPI without its own documentation pages and slash redirects: servicekit has others."""
    app = FastAPI(
        title=title,
        version=version,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=openapi.operation_id,
        # Nobody collects it, and asking every request whether somebody does costs 4 %.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    openapi.install(app)
    app.state.ended_sessions = frozenset()  # until somebody tells of any; see session_follower
    app.state.personal_tokens = None  # the same
    return app
