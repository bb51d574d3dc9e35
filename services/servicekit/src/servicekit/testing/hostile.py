"""Tokens that no service may accept, and that must not make it fail.

They are made by hand, because libraries refuse to make most of them.
"""

import base64
import json
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jose import jwk
from jose.backends.base import Key

from servicekit.keys import ES256, HS256, SigningKey
from servicekit.tokens import AUDIENCE, ISSUER, Principal

NESTED = b"[" * 1000 + b"]" * 1000
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_KEY_IDS: list[Any] = [None, "", "another", ["a"], {}, "../../../dev/null", "http://127.0.0.1/jwks"]

Make = Callable[[SigningKey, Principal], bytes]


def _encode(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def signed(key: Key, header: bytes, claims: bytes) -> bytes:
    """Return a token with exactly these bytes as header and claims, and the right signature."""
    message = _encode(header) + b"." + _encode(claims)
    return message + b"." + _encode(key.sign(message))


def _header(key: SigningKey, changes: Mapping[str, Any]) -> bytes:
    header = {"alg": key.algorithm, "typ": "JWT", "kid": key.id, **changes}
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


def _good(key: SigningKey, caller: Principal) -> bytes:
    return signed(key.key, _header(key, {}), _claims(caller, {}))


def _with_claims(**changes: Any) -> Make:
    """Change claims of a valid token. None removes one."""
    return lambda key, caller: signed(key.key, _header(key, {}), _claims(caller, changes))


def _with_header(**changes: Any) -> Make:
    """Change header fields of a valid token. None removes one."""
    return lambda key, caller: signed(key.key, _header(key, changes), _claims(caller, {}))


def _by(algorithm: str, other: Callable[[SigningKey], Key], **changes: Any) -> Make:
    """Sign a token with another key, under the id of the right one."""
    return lambda key, caller: signed(
        other(key), _header(key, {"alg": algorithm, **changes}), _claims(caller, {})
    )


def _infinite(key: SigningKey, caller: Principal) -> bytes:
    claims = _claims(caller, {"exp": 0}).replace(b'"exp": 0', b'"exp": 1e400')
    return signed(key.key, _header(key, {}), claims)


def _with_signature(change: Callable[[bytes], bytes]) -> Make:
    """Change the decoded signature of a valid token."""

    def make(key: SigningKey, caller: Principal) -> bytes:
        message, _, signature = _good(key, caller).rpartition(b".")
        return message + b"." + _encode(change(base64.urlsafe_b64decode(signature + b"==")))

    return make


def _numbers(r: int, s: int) -> Make:
    return _with_signature(lambda _: r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def _spelt(change: Callable[[bytes], bytes]) -> Make:
    """Change the text of a valid token's signature, which decodes to the same bytes."""

    def make(key: SigningKey, caller: Principal) -> bytes:
        message, _, signature = _good(key, caller).rpartition(b".")
        return message + b"." + change(signature)

    return make


def _other_last_character(part: bytes) -> bytes:
    return part[:-1] + _ALPHABET[_ALPHABET.index(part[-1]) + 1 :][:1]


@cache
def _elliptic(curve: type[ec.EllipticCurve], algorithm: str) -> Key:
    """Return a key of the attacker. jose takes any curve for any of its algorithms."""
    return jwk.construct(_pem(ec.generate_private_key(curve())), algorithm)


@cache
def _rsa() -> Key:
    return jwk.construct(_pem(rsa.generate_private_key(65537, 2048)), "RS256")


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class _Mac(Key):
    """HMAC with any bytes. jose refuses bytes that look like a key of another kind."""

    def __init__(self, secret: bytes) -> None:
        self._key = jwk.construct("-", HS256)
        self._key.prepared_key = secret  # type: ignore[attr-defined]  # as jose keeps it

    def sign(self, msg: bytes) -> bytes:
        signature: bytes = self._key.sign(msg)
        return signature


def _public(key: SigningKey, encoding: Encoding) -> Key:
    """Return the public part of the key as a secret; for a shared key, its id."""
    if key.algorithm == HS256:
        return _Mac(key.id.encode())
    form = (
        PublicFormat.UncompressedPoint
        if encoding is Encoding.X962
        else PublicFormat.SubjectPublicKeyInfo
    )
    public = key.key.public_key().prepared_key  # type: ignore[attr-defined]  # of jose's EC keys
    return _Mac(public.public_bytes(encoding, form))


def _own() -> Key:
    return _elliptic(ec.SECP256R1, ES256)


def _own_jwk() -> dict[str, str]:
    return _own().public_key().to_dict()


def _other_kind(key: SigningKey, caller: Principal) -> bytes:
    """Sign rightly, but with a key of the kind that is not configured."""
    own = _Mac(b"x" * 32) if key.algorithm == ES256 else _own()
    algorithm = HS256 if key.algorithm == ES256 else ES256
    return signed(own, _header(key, {"alg": algorithm}), _claims(caller, {}))


# By name: what makes it, given the key that the service trusts and a real caller.
TOKENS: Mapping[str, Make] = {
    "empty": lambda _, __: b"",
    "one part": lambda _, __: b"abc",
    "four parts": lambda key, caller: _good(key, caller) + b".",
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
    "claims are a list": lambda key, _: signed(key.key, _header(key, {}), b"[]"),
    "claims nested without end": lambda key, _: signed(key.key, _header(key, {}), NESTED),
    # The header.
    "header nested without end": lambda key, caller: signed(key.key, NESTED, _claims(caller, {})),
    "header is a list": lambda key, caller: signed(key.key, b"[]", _claims(caller, {})),
    "critical extension": _with_header(crit=["exp"]),
    **{f"type {typ!r}": _with_header(typ=typ) for typ in (None, "at+jwt", "jwt", ["JWT"])},
    **{f"key id {kid!r}": _with_header(kid=kid) for kid in _KEY_IDS},
    **{
        f"signed {algorithm!r}": _with_header(alg=algorithm)
        for algorithm in (None, "", "HS512", "ES384", "RS256", "hs256", "es256", [HS256, ES256])
    },
    # No signature, or a broken one.
    **{
        f"unsigned {algorithm}": lambda key, caller, algorithm=algorithm: (  # type: ignore[misc]
            _encode(_header(key, {"alg": algorithm})) + b"." + _encode(_claims(caller, {})) + b"."
        )
        for algorithm in ("none", "None", "NONE")
    },
    "signature is missing": _with_signature(lambda _: b""),
    "signature is cut off": _with_signature(lambda signature: signature[:-1]),
    "signature is longer": _with_signature(lambda signature: signature + b"\0"),
    "signature of zeros": _with_signature(lambda signature: bytes(len(signature))),
    "signature of r = s = 0": _numbers(0, 0),
    "signature of r = 0": _numbers(0, 1),
    "signature of s = 0": _numbers(1, 0),
    "signature of r = s = the order": _numbers(_ORDER, _ORDER),
    "signature of r = s = 1": _numbers(1, 1),
    # Other keys, and other kinds of keys.
    "the other kind": _other_kind,
    "another secret": _by(HS256, lambda _: _Mac(b"x" * 32)),
    "empty secret": _by(HS256, lambda _: _Mac(b"")),
    "another key": _by(ES256, lambda _: _own()),
    "secret is the public key's PEM": _by(HS256, lambda key: _public(key, Encoding.PEM)),
    "secret is the public key's DER": _by(HS256, lambda key: _public(key, Encoding.DER)),
    "secret is the public key's point": _by(HS256, lambda key: _public(key, Encoding.X962)),
    "RSA": _by("RS256", lambda _: _rsa()),
    "P-384": _by("ES384", lambda _: _elliptic(ec.SECP384R1, "ES384")),
    "P-384 that says ES256": _by(ES256, lambda _: _elliptic(ec.SECP384R1, "ES384")),
    "P-521": _by("ES512", lambda _: _elliptic(ec.SECP521R1, "ES512")),
    "secp256k1": _by("ES256K", lambda _: _elliptic(ec.SECP256K1, ES256)),
    "secp256k1 that says ES256": _by(ES256, lambda _: _elliptic(ec.SECP256K1, ES256)),
    # A key, or where to find one, in the token itself.
    "brings its key": _by(ES256, lambda _: _own(), jwk=_own_jwk()),
    "brings its key as its id": _by(ES256, lambda _: _own(), kid=_own_jwk()),
    "brings a set of keys": _by(ES256, lambda _: _own(), keys=[_own_jwk()]),
    **{
        f"names an address in {field}": _by(ES256, lambda _: _own(), **{field: "http://127.0.0.1/"})
        for field in ("jku", "x5u")
    },
    "brings a certificate": _by(ES256, lambda _: _own(), x5c=["AAAA"]),
    # Another spelling of a valid token. One token must not become many.
    "padding": _spelt(lambda signature: signature + b"=" * (-len(signature) % 4)),
    "foreign character": _spelt(lambda signature: signature[:1] + b"!" + signature[1:]),
    "other last character": _spelt(_other_last_character),
}
