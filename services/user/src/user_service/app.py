"""The user service, put together. Read it from top to bottom."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import version

from fastapi import FastAPI
from sqlalchemy import Engine

from servicekit import app as base
from servicekit import database, docs, health, logs, metrics, middleware, registration, tracing
from servicekit.instance import Service
from servicekit.settings import load
from user_service import MIGRATIONS, SERVICE
from user_service.api import (
    accounts,
    administration,
    authentication,
    ended_sessions,
    personal_tokens,
    problems,
    sessions,
)
from user_service.api.token_issuer import TokenIssuer
from user_service.domain.accounts import Accounts
from user_service.domain.administration import Administration
from user_service.domain.ended_sessions import EndedSessions
from user_service.domain.limits import Limits
from user_service.domain.personal_tokens import PersonalTokens
from user_service.domain.sessions import Sessions
from user_service.domain.sign_in import SignIn
from user_service.domain.throttle import Throttle
from user_service.hashing.bcrypt_hasher import BcryptHasher
from user_service.persistence.accounts import AccountRepository
from user_service.persistence.administration import AdministrationRepository
from user_service.persistence.ended_sessions import EndedSessionRepository
from user_service.persistence.personal_tokens import PersonalTokenRepository
from user_service.persistence.sessions import SessionRepository
from user_service.persistence.throttle import ThrottleRepository
from user_service.settings import UserSettings

VERSION = version("tasktracker-user-service")
REGISTRATION = Service(SERVICE)

# In the order of the OpenAPI document.
_ROUTERS = (
    accounts.router,
    administration.router,
    authentication.router,
    sessions.router,
    ended_sessions.router,
    personal_tokens.router,
    personal_tokens.internal,
)


def create_app(settings: UserSettings | None = None) -> FastAPI:
    """Return the application. Settings that are not given come from the environment."""
    settings = settings or load(UserSettings, service=SERVICE)
    logs.configure(SERVICE, settings.log_level)
    tracing.configure(SERVICE, settings.traces_url)
    engine = database.engine(settings)
    hasher = BcryptHasher(
        cost=settings.password_cost,
        workers=settings.password_workers,
        queue=settings.password_queue,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await hasher.warm_up()
        async with registration.registered(REGISTRATION, settings):
            yield
        hasher.close()
        engine.dispose()

    app = base.create("User service", VERSION, lifespan)
    _add_state(app, settings, engine, hasher)
    for router in _ROUTERS:
        app.include_router(router)
    checks = [database.reachable(engine), database.schema_current(engine, MIGRATIONS)]
    app.include_router(health.router(SERVICE, VERSION, checks))
    problems.install(app)
    docs.install(app)
    middleware.install(app)
    metrics.watch_pools(app, settings.database_pool_size, accounts=lambda: database.in_use(engine))
    metrics.watch(app, "password_hashes_waiting", "Requests that wait for a hash", hasher.waiting)
    return app


def _add_state(app: FastAPI, settings: UserSettings, engine: Engine, hasher: BcryptHasher) -> None:
    """Put on the application's state what `servicekit` and `api.dependencies` take from there."""
    app.state.keys = settings.keys()
    app.state.trust_forwarded_for = settings.trust_forwarded_for
    lifetime = timedelta(minutes=settings.access_token_expire_minutes)
    app.state.token_issuer = TokenIssuer(settings.signing_key(), lifetime)
    repository = AccountRepository(engine)
    throttle = Throttle(ThrottleRepository(engine), hasher, _limits(settings))
    app.state.accounts = Accounts(repository, hasher, throttle)
    app.state.sessions = Sessions(
        SessionRepository(engine), app.state.accounts, timedelta(days=settings.session_days)
    )
    app.state.session_ends = EndedSessions(EndedSessionRepository(engine), lifetime)
    app.state.tokens = PersonalTokens(PersonalTokenRepository(engine), app.state.accounts)
    app.state.administration = Administration(AdministrationRepository(engine), app.state.accounts)
    app.state.sign_in = SignIn(repository, throttle, app.state.sessions)


def _limits(settings: UserSettings) -> Limits:
    return Limits(
        settings.failures_per_account,
        settings.failures_per_client,
        settings.registrations_per_client,
    )
