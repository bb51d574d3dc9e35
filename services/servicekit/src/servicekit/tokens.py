"""Access tokens: JWTs signed with HS256, checked by every service itself.

Claims: `sub` the user's id, `superuser`, `sid` the session's id, `iss`, `aud`, `iat`, `exp`, `jti`.
The header's `kid` names the key, so that a rotation (a current and a previous key) logs nobody out.

A token is refused when its session is over: the user service, which knows the sessions, looks `sid`
up. The others follow which sessions have ended (`servicekit.session_follower`).
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

import structlog
from fastapi import Depends, Request
from fastapi.openapi.models import OAuth2, OAuthFlowPassword, OAuthFlows
from fastapi.security.base import SecurityBase
from fastapi.security.utils import get_authorization_scheme_param
from jose import jwt

from servicekit.errors import Unauthenticated
from servicekit.fields import MAXIMUM_ID
from servicekit.remembered import Remembered
from servicekit.settings import TokenSettings

ALGORITHM = "HS256"
ISSUER = "tasktracker-user-service"
AUDIENCE = "tasktracker"
MAXIMUM_LENGTH = 4096  # characters; python-jose recurses into a header of any depth
TOKEN_URL = "/api/v1/auth/token"  # noqa: S105 - an address, not a password
_REQUIRED = {f"require_{claim}": True for claim in ("exp", "sub", "aud", "iss", "jti")}
_HEADER_FIELDS = {"alg", "typ", "kid"}


def key_id(key: bytes) -> str:
    """A public name for a key, from which the key cannot be found."""
    return hashlib.sha256(b"kid:" + key).hexdigest()[:16]


@dataclass(frozen=True, repr=False)  # No repr: keys stay out of logs.
class Keys:
    """The key that signs, and the one before it while its tokens still live."""

    current: bytes
    previous: bytes | None = None
    # With the keys, because what they found good says nothing about what other keys would.
    remembered: "Remembered[Principal]" = field(default_factory=Remembered, compare=False)

    @classmethod
    def of(cls, settings: TokenSettings) -> "Keys":
        previous = settings.previous_secret_key
        return cls(
            settings.secret_key.get_secret_value().encode(),
            previous.get_secret_value().encode() if previous else None,
        )

    def named(self, kid: str) -> bytes:
        """The key of that name; KeyError if there is none."""
        return {key_id(key): key for key in (self.current, self.previous) if key}[kid]


@dataclass(frozen=True)
class Principal:
    """Who is asking, and in which session: None where the token names none."""

    user_id: int
    is_superuser: bool
    session_id: UUID | None = None


def issue(keys: Keys, principal: Principal, lifetime: timedelta, now: datetime) -> str:
    """A signed token for the principal, valid from `now` (aware) for `lifetime`."""
    claims = {
        "sub": str(principal.user_id),
        "superuser": principal.is_superuser,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        "jti": uuid4().hex,
    }
    if principal.session_id:
        claims["sid"] = str(principal.session_id)
    headers = {"kid": key_id(keys.current)}
    return jwt.encode(claims, keys.current, algorithm=ALGORITHM, headers=headers)


def verify(keys: Keys, token: str) -> Principal:
    """The principal of a token that is genuine and alive; Unauthenticated for any other."""
    try:
        return _verify(keys, token, token.encode())
    except Exception:
        # Hostile tokens raise more than JWTError: RecursionError, OverflowError, TypeError.
        raise Unauthenticated from None


def _verify(keys: Keys, token: str, encoded: bytes) -> Principal:
    if principal := keys.remembered.find(encoded):
        return principal
    claims = _claims(keys, token)
    principal = _principal(claims)
    keys.remembered.keep(encoded, principal, claims["exp"])
    return principal


def _claims(keys: Keys, token: str) -> dict[str, Any]:
    if len(token) > MAXIMUM_LENGTH:
        raise ValueError("the token is too long")
    header = jwt.get_unverified_header(token)
    if not header.keys() <= _HEADER_FIELDS:
        raise ValueError("the header has a field that nothing here understands")
    return jwt.decode(
        token,
        keys.named(header["kid"]),
        algorithms=[ALGORITHM],
        audience=AUDIENCE,
        issuer=ISSUER,
        options=_REQUIRED,
    )


def _principal(claims: dict[str, Any]) -> Principal:
    user_id = int(claims["sub"])
    # str() again, because int() also takes "+1", " 1" and digits of other scripts.
    if str(user_id) != claims["sub"] or not 0 < user_id <= MAXIMUM_ID:
        raise ValueError("the subject is not a user id")
    session_id = UUID(claims["sid"]) if "sid" in claims else None
    return Principal(user_id, claims["superuser"] is True, session_id)


def bearer_token(request: Request) -> str:
    """The caller's token as it came, unverified; Unauthenticated (401) without one."""
    scheme, token = get_authorization_scheme_param(request.headers.get("Authorization"))
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated
    return token


def identify(request: Request) -> Principal:
    """Who is asking, noted for the log; Unauthenticated (401) without a good token."""
    principal = verify(request.app.state.keys, bearer_token(request))
    if principal.session_id in request.app.state.ended_sessions:
        raise Unauthenticated
    structlog.contextvars.bind_contextvars(user_id=principal.user_id)
    return principal


class _Caller(SecurityBase):
    """The scheme in OpenAPI, which makes Authorize in /docs work, and the check in one dependency.

    One for each step (scheme, token, principal) would cost every request about 10 µs a step.
    """

    def __init__(self) -> None:
        self.model = OAuth2(flows=OAuthFlows(password=OAuthFlowPassword(tokenUrl=TOKEN_URL)))
        self.scheme_name = "token"

    # Not `def`: a thread of its own would lose the log context, and cost a hop.
    async def __call__(self, request: Request) -> Principal:
        return identify(request)


# The caller, verified with `app.state.keys`; Unauthenticated (401) without a good token.
CurrentPrincipal = Annotated[Principal, Depends(_Caller())]
