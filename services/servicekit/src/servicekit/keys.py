"""The keys of access tokens, of two kinds.

In the mesh a private key signs with ES256 and its public key verifies, so only the user service can
sign. Services that are run by hand may share a secret instead, which does both with HS256.

`python -m servicekit.keys` prints a new pair as JSON: `private`, a PEM, and `public`, a JWK.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jose import jwk
from jose.backends.base import Key
from jose.exceptions import JOSEError
from jose.utils import base64url_encode

ES256, HS256 = "ES256", "HS256"
_CURVE = "P-256"
_PRIVATE = {"d", "k"}  # the members of private and shared keys only
_MEMBERS = (
    "crv",
    "kty",
    "x",
    "y",
)  # the required members of an elliptic curve's public key (RFC 7638)


@dataclass(frozen=True, repr=False)  # No repr: keys stay out of logs.
class SigningKey:
    """A key that signs. Its id is public: the header of each token names the key by it."""

    id: str
    algorithm: str
    key: Key


def shared(secret: str) -> SigningKey:
    """Return the key that all services share. Raises ValueError for an asymmetric key."""
    id_ = hashlib.sha256(b"kid:" + secret.encode()).hexdigest()[:16]
    try:
        return SigningKey(id_, HS256, jwk.construct(secret, HS256))
    except JOSEError as error:
        raise ValueError("it is an asymmetric key or a certificate, no secret") from error


def public(text: str) -> Mapping[str, Key]:
    """Return the keys of a JWK Set (RFC 7517) by their ids.

    Raises ValueError unless each is a public P-256 key.
    """
    try:
        members = json.loads(text)["keys"]
        found = {member["kid"]: _public(member) for member in members}
        if not found or len(found) != len(members):
            raise ValueError("no key, or two of the same name")
    except (JOSEError, KeyError, TypeError, ValueError, RecursionError) as error:
        # One sentence for all, because parts of a refused set may be secret.
        raise ValueError(
            "it must be a JWK Set of public P-256 keys, each with a kid of its own"
        ) from error
    return found


def _public(member: Mapping[str, Any]) -> Key:
    kind, kid = (member["kty"], member["crv"], member.get("alg", ES256)), member["kid"]
    is_named = isinstance(kid, str) and kid != ""
    if kind != ("EC", _CURVE, ES256) or not is_named or _PRIVATE & member.keys():
        raise ValueError("not a public key for ES256")
    return jwk.construct(dict(member), ES256)


def private(pem: str, public: Mapping[str, Key]) -> SigningKey:
    """Return the private key. Raises ValueError unless it belongs to one of the public ones."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:  # malformed, or public, or with a password
        raise ValueError("it must be the PEM of a private key, without a password") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != ec.SECP256R1.name:
        raise ValueError("it is not a P-256 key")
    signing = jwk.construct(pem, ES256)
    for id_, each in public.items():
        if each.to_dict() == signing.public_key().to_dict():
            return SigningKey(id_, ES256, signing)
    raise ValueError("its public key is not among JWT_PUBLIC_KEYS")


def generate() -> tuple[str, dict[str, str]]:
    """Return a new private key as a PEM, and its public key as a JWK with its thumbprint as id."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    members = jwk.construct(pem, ES256).public_key().to_dict()
    return pem, {**members, "use": "sig", "kid": _thumbprint(members)}


def _thumbprint(members: Mapping[str, str]) -> str:
    """Return the key's thumbprint (RFC 7638), which depends on the key alone."""
    required = {name: members[name] for name in _MEMBERS}
    text = json.dumps(required, separators=(",", ":"), sort_keys=True)
    return base64url_encode(hashlib.sha256(text.encode()).digest()).decode()


if __name__ == "__main__":
    private_key, public_key = generate()
    json.dump({"private": private_key, "public": public_key}, sys.stdout)
