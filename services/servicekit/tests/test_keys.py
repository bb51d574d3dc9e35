"""Keys of tokens: which are accepted and which refused."""

import json
import subprocess
import sys
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jose import jwk
from jose.backends import ECKey, HMACKey
from jose.backends.cryptography_backend import CryptographyECKey, CryptographyHMACKey

from servicekit import keys

PEM, JWK = keys.generate()
OTHER_PEM, OTHER_JWK = keys.generate()


def key_set(*members: Any) -> str:
    return json.dumps({"keys": members})


def pem(key: Any, encryption: Any = None) -> str:
    made = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    return str(made.decode())


def test_a_signature_of_the_private_key_is_checked_with_the_public_one() -> None:
    public = keys.public(key_set(OTHER_JWK, JWK))
    signing = keys.private(PEM, public)

    signature = signing.key.sign(b"message")

    assert signing.id == JWK["kid"]
    assert public[signing.id].verify(b"message", signature)
    assert not public[OTHER_JWK["kid"]].verify(b"message", signature)


def test_the_library_that_solves_signatures_is_openssl() -> None:
    # python-jose falls back to arithmetic in Python, whose time tells about the key.
    assert (ECKey, HMACKey) == (CryptographyECKey, CryptographyHMACKey)


def test_a_key_is_named_by_its_thumbprint() -> None:
    # The example of RFC 7638 is an RSA key; this is what the same rule gives for a P-256 key.
    x, y = (
        "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    )
    members = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    assert keys._thumbprint(members) == "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"


def test_a_new_pair_can_be_had_from_the_command_line() -> None:
    command = [sys.executable, "-m", "servicekit.keys"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    pair = json.loads(done.stdout)
    assert keys.private(pair["private"], keys.public(key_set(pair["public"])))


def _member(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**JWK, **changes}.items() if value is not None}


_p384 = jwk.construct(pem(ec.generate_private_key(ec.SECP384R1())), "ES384").public_key().to_dict()
_with_d = jwk.construct(PEM, "ES256").to_dict()

NOT_PUBLIC = {
    "empty": "",
    "no JSON": "hunter2",
    "a list": "[]",
    "nested without end": "[" * 100_000,
    "no keys": "{}",
    "an empty set": key_set(),
    "keys that are a text": json.dumps({"keys": "hunter2"}),
    "one key without a set": json.dumps(JWK),
    "a key without an id": key_set(_member(kid=None)),
    "an empty id": key_set(_member(kid="")),
    "an id that is no text": key_set(_member(kid=1)),
    "twice the same id": key_set(JWK, JWK),
    "a private key": key_set({**_with_d, "kid": "a"}),
    "a private key beside a public one": key_set(JWK, {**_with_d, "kid": "a"}),
    "a shared secret": key_set({"kty": "oct", "k": "aHVudGVyMg", "kid": "a"}),
    "another curve": key_set({**_p384, "kid": "a"}),
    "another curve that says ES256": key_set({**_p384, "kid": "a", "alg": "ES256"}),
    "another algorithm": key_set(_member(alg="HS256")),
    "RSA": key_set({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "a"}),
    "no point of the curve": key_set(_member(x=JWK["y"])),
    "half a point": key_set(_member(y=None)),
    "a PEM of the private key": PEM,
}


@pytest.mark.parametrize("name", NOT_PUBLIC)
def test_a_set_with_anything_but_public_keys_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^it must be a JWK Set") as refusal:
        keys.public(NOT_PUBLIC[name])
    assert "hunter2" not in str(refusal.value)


_key = ec.generate_private_key(ec.SECP256R1())
NOT_PRIVATE = {
    "empty": "",
    "no PEM": "hunter2",
    "cut off": PEM[:-40],
    "with \\n for its lines": PEM.replace("\n", "\\n"),
    "public": _key.public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode(),
    "with a password": pem(_key, BestAvailableEncryption(b"hunter2")),
    "another curve": pem(ec.generate_private_key(ec.SECP384R1())),
    "RSA": pem(rsa.generate_private_key(65537, 2048)),
    "Ed25519": pem(ed25519.Ed25519PrivateKey.generate()),
    "not among the public ones": OTHER_PEM,
}


@pytest.mark.parametrize("name", NOT_PRIVATE)
def test_a_pem_with_anything_but_the_public_keys_other_half_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^its? ") as refusal:
        keys.private(NOT_PRIVATE[name], keys.public(key_set(JWK)))
    assert "hunter2" not in str(refusal.value)


def test_a_secret_that_is_a_key_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="asymmetric"):
        keys.shared(PEM)


def test_name_of_a_secret_depends_on_it_and_tells_nothing() -> None:
    assert keys.shared("o" * 32).id != keys.shared("n" * 32).id
    assert "ooo" not in keys.shared("o" * 32).id
