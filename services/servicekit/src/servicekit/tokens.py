"""Access tokens: JWTs that the user service signs, and each service verifies itself.

Claims: `sub` the user's id, `superuser`, `sid` the session's id, `iss`, `aud`, `iat`, `exp`, `jti`.
The header's `kid` names the key, so that a rotation (two keys for a while) logs nobody out. The
service's settings decide which algorithm a token must have, never the token (servicekit/keys.py).

A token is refused when its session has ended. The user service looks `sid` up in its database. The
other services follow which sessions have ended (`servicekit.session_follower`).
"""

from collections.abc import Mapping
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
from jose.backends.base import Key
from jose.utils import base64url_decode, base64url_encode

from servicekit.errors import InsufficientScope, Unauthenticated
from servicekit.fields import MAXIMUM_ID
from servicekit.keys import SigningKey
from servicekit.personal_tokens import PersonalTokens
from servicekit.principal import PERSONAL_PREFIX
from servicekit.principal import Principal as Principal  # its public name
from servicekit.token_cache import TokenCache

TYPE = "JWT"
ISSUER = "tasktracker-user-service"
AUDIENCE = "tasktracker"
MAXIMUM_LENGTH = 4096  # characters; python-jose recurses into a header of any depth
TOKEN_URL = "/api/v1/auth/token"  # noqa: S105 - an address, not a password
_REQUIRED = {f"require_{claim}": True for claim in ("exp", "sub", "aud", "iss", "jti")}


@dataclass(frozen=True, repr=False)  # No repr: keys stay out of logs.
class Keys:
    """What verifies tokens: one algorithm, and its keys by their ids.

    During a rotation there are two keys: the one that signs, and the one before or after it.
    """

    algorithm: str
    by_id: Mapping[str, Key]
    # Beside the keys, because a token that these keys verified may fail with other keys.
    cache: "TokenCache[Principal]" = field(default_factory=TokenCache, compare=False)


def issue(key: SigningKey, principal: Principal, lifetime: timedelta, now: datetime) -> str:
    """Return a signed token for the principal, valid from `now` (aware) for `lifetime`."""
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
    return jwt.encode(claims, key.key, algorithm=key.algorithm, headers={"kid": key.id})


def verify(keys: Keys, token: str) -> Principal:
    """Return the principal of a valid token. Raises Unauthenticated for any other token."""
    try:
        return _verify(keys, token, token.encode())
    except Exception:
        # Hostile tokens raise more than JWTError: RecursionError, OverflowError, TypeError.
        raise Unauthenticated from None


def _verify(keys: Keys, token: str, encoded: bytes) -> Principal:
    if principal := keys.cache.get(encoded):
        return principal
    claims = _claims(keys, token)
    principal = _principal(claims)
    keys.cache.put(encoded, principal, claims["exp"], owner=principal.user_id)
    return principal


def _claims(keys: Keys, token: str) -> dict[str, Any]:
    if len(token) > MAXIMUM_LENGTH:
        raise ValueError("the token is too long")
    _check_canonical(token)
    header = jwt.get_unverified_header(token)
    kid = header["kid"]
    # Exactly what `issue` writes. Above all the caller must not choose the algorithm.
    if header != {"alg": keys.algorithm, "typ": TYPE, "kid": kid}:
        raise ValueError("the header is not one that we write")
    return jwt.decode(
        token,
        keys.by_id[kid],
        algorithms=[keys.algorithm],
        audience=AUDIENCE,
        issuer=ISSUER,
        options=_REQUIRED,
    )


def _check_canonical(token: str) -> None:
    """Refuse any other spelling: python-jose ignores padding, spare bits and odd characters."""
    header, claims, signature = token.encode("ascii").split(b".")
    for part in (header, claims, signature):
        if base64url_encode(base64url_decode(part)) != part:
            raise ValueError("a part is not canonical base64url")


def _principal(claims: dict[str, Any]) -> Principal:
    user_id = int(claims["sub"])
    # str() again, because int() also takes "+1", " 1" and digits of other scripts.
    if str(user_id) != claims["sub"] or not 0 < user_id <= MAXIMUM_ID:
        raise ValueError("the subject is not a user id")
    session_id = UUID(claims["sid"]) if "sid" in claims else None
    return Principal(user_id, claims["superuser"] is True, session_id)


def bearer_token(request: Request) -> str:
    """Return the caller's token, unverified. Raises Unauthenticated (401) if there is none."""
    scheme, token = get_authorization_scheme_param(request.headers.get("Authorization"))
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated
    return token


class Caller(SecurityBase):
    """A dependency that verifies the caller, and the security scheme in OpenAPI.

    The scheme makes Authorize in /docs work. `scope` is the one that a personal access token needs;
    None means that no such token is accepted. One dependency for each step (scheme, token,
    principal) would cost each request about 10 µs per step.
    """

    def __init__(self, scope: str | None = None) -> None:
        self.model = OAuth2(flows=OAuthFlows(password=OAuthFlowPassword(tokenUrl=TOKEN_URL)))
        self.scheme_name = "token"
        self._scope = scope

    # Not `def`: another thread would cost a hop and lose the log context.
    async def __call__(self, request: Request) -> Principal:
        """Return the caller, and bind the user's id to the log.

        Raises Unauthenticated without a valid token, and InsufficientScope for a personal access
        token without the scope.
        """
        state, token = request.app.state, bearer_token(request)
        if token.startswith(PERSONAL_PREFIX):
            principal = await self._personal(state.personal_tokens, token)
        else:
            principal = verify(state.keys, token)
        if principal.session_id in state.ended_sessions:
            raise Unauthenticated
        structlog.contextvars.bind_contextvars(user_id=principal.user_id)
        return principal

    async def _personal(self, tokens: PersonalTokens | None, token: str) -> Principal:
        if self._scope is None:
            raise InsufficientScope("A personal access token does not open this.")
        if tokens is None:
            raise Unauthenticated
        principal = await tokens.verify(token)
        if self._scope not in (principal.scopes or ()):
            raise InsufficientScope(f"This token lacks the scope {self._scope}.")
        return principal


# The caller, verified with `app.state.keys`. Answers 401 without a valid token.
CurrentPrincipal = Annotated[Principal, Depends(Caller())]
