"""Tokens that no service may accept, and that must not make it fail either.

Made by hand, because a library refuses to make most of them.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from servicekit.tokens import AUDIENCE, ISSUER, Keys, Principal, key_id

DIGESTS = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}
NESTED = b"[" * 1000 + b"]" * 1000

Make = Callable[[Keys, Principal], bytes]


def _encode(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def signed(key: bytes, header: bytes, claims: bytes, algorithm: str = "HS256") -> bytes:
    """A token with exactly these bytes as header and claims, and a signature that fits."""
    message = _encode(header) + b"." + _encode(claims)
    return message + b"." + _encode(hmac.digest(key, message, DIGESTS[algorithm]))


def _header(keys: Keys, changes: Mapping[str, Any]) -> bytes:
    header = {"alg": "HS256", "typ": "JWT", "kid": key_id(keys.current), **changes}
    return json.dumps({name: value for name, value in header.items() if value is not None}).encode()


def _claims(caller: Principal, changes: Mapping[str, Any]) -> bytes:
    now = int(time.time())
    claims = {
        "sub": str(caller.user_id),
        "superuser": caller.is_superuser,
        "sid": str(caller.session_id) if caller.session_id else None,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 60,
        "jti": "1",
        **changes,
    }
    return json.dumps({name: value for name, value in claims.items() if value is not None}).encode()


def _with_claims(**changes: Any) -> Make:
    """A good token but for these claims; None leaves one out."""
    return lambda keys, caller: signed(keys.current, _header(keys, {}), _claims(caller, changes))


def _with_header(algorithm: str = "HS256", **changes: Any) -> Make:
    """A good token but for these header fields; None leaves one out."""
    return lambda keys, caller: signed(
        keys.current, _header(keys, changes), _claims(caller, {}), algorithm
    )


def _unsigned(keys: Keys, caller: Principal) -> bytes:
    header = _header(keys, {"alg": "none"})
    return _encode(header) + b"." + _encode(_claims(caller, {})) + b"."


def _infinite(keys: Keys, caller: Principal) -> bytes:
    claims = _claims(caller, {"exp": 0}).replace(b'"exp": 0', b'"exp": 1e400')
    return signed(keys.current, _header(keys, {}), claims)


# By name: what makes it, given the service's keys and a real caller.
TOKENS: Mapping[str, Make] = {
    "empty": lambda _, __: b"",
    "one part": lambda _, __: b"abc",
    "not ASCII": lambda _, __: "é.é.é".encode("latin-1"),
    "5 KB": lambda _, __: b"a" * 5000,
    "5 KB and genuine": _with_claims(padding="x" * 5000),
    "expired": _with_claims(exp=int(time.time()) - 60),
    "not valid yet": _with_claims(nbf=2**33),
    "infinite expiry": _infinite,
    "wrong audience": _with_claims(aud="another"),
    "wrong issuer": _with_claims(iss="another"),
    **{
        f"no {claim}": _with_claims(**{claim: None})
        for claim in ("exp", "sub", "aud", "iss", "jti")
    },
    **{
        f"subject {sub!r}": _with_claims(sub=sub)
        for sub in (
            "0",
            "-1",
            "+1",
            " 1",
            "1.0",
            "01",
            "\u0661",
            "x",
            "",
            str(2**31),
            1,
            True,
            ["1"],
        )
    },
    **{f"session {sid!r}": _with_claims(sid=sid) for sid in ("x", "", 1, ["1"])},
    "no superuser claim": _with_claims(superuser=None),
    "claims are a list": lambda keys, _: signed(keys.current, _header(keys, {}), b"[]"),
    "claims nested without end": lambda keys, _: signed(keys.current, _header(keys, {}), NESTED),
    "header nested without end": lambda keys, caller: signed(
        keys.current, NESTED, _claims(caller, {})
    ),
    "header is a list": lambda keys, caller: signed(keys.current, b"[]", _claims(caller, {})),
    "unsigned": _unsigned,
    "another algorithm": _with_header("HS512", alg="HS512"),
    "critical extension": _with_header(crit=["exp"]),
    "no key id": _with_header(kid=None),
    "unknown key id": _with_header(kid="another"),
    "key id is a list": _with_header(kid=["a"]),
    "another key": lambda keys, caller: signed(b"x" * 32, _header(keys, {}), _claims(caller, {})),
}
