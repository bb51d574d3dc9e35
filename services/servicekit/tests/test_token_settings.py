"""Settings for keys: each good and each bad combination."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from servicekit import keys
from servicekit.errors import Unauthenticated
from servicekit.settings import load
from servicekit.token_settings import SigningSettings, TokenSettings
from servicekit.tokens import Principal, issue, verify

SECRET, PREVIOUS = "s" * 32, "p" * 32
PEM, JWK = keys.generate()
NEXT_PEM, NEXT_JWK = keys.generate()
SET = json.dumps({"keys": [JWK, NEXT_JWK]})
ADA = Principal(1, is_superuser=False)

MISSING = (
    "SECRET_KEY is missing: set it to at least 32 random bytes, or set JWT_PUBLIC_KEYS to a JWK Set"
)
BOTH = "SECRET_KEY is not valid: JWT_PUBLIC_KEYS is set too, and a service takes one kind of key"
NOT_PUBLIC = (
    "JWT_PUBLIC_KEYS is not valid:"
    " it must be a JWK Set of public P-256 keys, each with a kid of its own"
)
NO_PEM = "JWT_PRIVATE_KEY is not valid: it must be the PEM of a private key, without a password"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("JWT_PUBLIC_KEYS", "JWT_PRIVATE_KEY", "SECRET_KEY", "PREVIOUS_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


# The class of settings, the variables, and the error.
REFUSED = {
    "neither kind": (TokenSettings, {}, MISSING),
    "neither kind to sign with": (SigningSettings, {}, MISSING),
    "both kinds": (TokenSettings, {"SECRET_KEY": SECRET, "JWT_PUBLIC_KEYS": SET}, BOTH),
    "both kinds to sign with": (
        SigningSettings,
        {"SECRET_KEY": SECRET, "JWT_PUBLIC_KEYS": SET, "JWT_PRIVATE_KEY": PEM},
        BOTH,
    ),
    "a short secret": (
        TokenSettings,
        {"SECRET_KEY": "hunter2"},
        "SECRET_KEY is not valid: it must have at least 32 bytes",
    ),
    "an empty secret": (
        TokenSettings,
        {"SECRET_KEY": ""},
        "SECRET_KEY is not valid: it must have at least 32 bytes",
    ),
    "a short previous secret": (
        TokenSettings,
        {"SECRET_KEY": SECRET, "PREVIOUS_SECRET_KEY": "hunter2"},
        "PREVIOUS_SECRET_KEY is not valid: it must have at least 32 bytes",
    ),
    "a previous secret beside public keys": (
        TokenSettings,
        {"PREVIOUS_SECRET_KEY": PREVIOUS, "JWT_PUBLIC_KEYS": SET},
        "PREVIOUS_SECRET_KEY is not valid: it means nothing without SECRET_KEY",
    ),
    "a private key as a secret": (
        TokenSettings,
        {"SECRET_KEY": PEM},
        "SECRET_KEY is not valid: it is an asymmetric key or a certificate, no secret",
    ),
    "no JWK Set": (TokenSettings, {"JWT_PUBLIC_KEYS": "hunter2"}, NOT_PUBLIC),
    "an empty text as JWK Set": (TokenSettings, {"JWT_PUBLIC_KEYS": ""}, NOT_PUBLIC),
    "a private key as public ones": (TokenSettings, {"JWT_PUBLIC_KEYS": PEM}, NOT_PUBLIC),
    "no JWK Set to sign with": (
        SigningSettings,
        {"JWT_PUBLIC_KEYS": "hunter2", "JWT_PRIVATE_KEY": PEM},
        NOT_PUBLIC,
    ),
    "public keys without the private one": (
        SigningSettings,
        {"JWT_PUBLIC_KEYS": SET},
        "JWT_PRIVATE_KEY is missing: set it to the PEM of the P-256 key that signs",
    ),
    "a private key without public ones": (
        SigningSettings,
        {"SECRET_KEY": SECRET, "JWT_PRIVATE_KEY": PEM},
        "JWT_PRIVATE_KEY is not valid: it needs JWT_PUBLIC_KEYS, and its own public key among them",
    ),
    "the private key of others": (
        SigningSettings,
        {"JWT_PUBLIC_KEYS": json.dumps({"keys": [NEXT_JWK]}), "JWT_PRIVATE_KEY": PEM},
        "JWT_PRIVATE_KEY is not valid: its public key is not among JWT_PUBLIC_KEYS",
    ),
    "a malformed PEM": (
        SigningSettings,
        {"JWT_PUBLIC_KEYS": SET, "JWT_PRIVATE_KEY": PEM.replace("\n", "\\n")},
        NO_PEM,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_keys_that_cannot_be_meant_are_refused_by_name_and_not_shown(
    name: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, variables, expected = REFUSED[name]
    for variable, value in variables.items():
        environment.setenv(variable, value)

    with pytest.raises(SystemExit) as ended:
        load(settings, service="note-service")

    assert ended.value.code == 78
    said = capsys.readouterr().err
    assert said == f"note-service: {expected} (see docs/operations/reference.md)\n"


@pytest.mark.parametrize(
    "variables",
    [
        {"SECRET_KEY": SECRET, "PREVIOUS_SECRET_KEY": PREVIOUS},
        {"JWT_PUBLIC_KEYS": SET, "JWT_PRIVATE_KEY": PEM},
    ],
    ids=["shared", "private"],
)
def test_what_one_service_signs_another_checks(
    variables: dict[str, str], environment: pytest.MonkeyPatch
) -> None:
    for variable, value in variables.items():
        environment.setenv(variable, value)
    signing = load(SigningSettings, service="user-service").signing_key()
    environment.delenv("JWT_PRIVATE_KEY", raising=False)
    checking = load(TokenSettings, service="note-service").keys()

    token = issue(signing, ADA, timedelta(minutes=1), datetime.now(UTC))

    assert verify(checking, token) == ADA
    assert len(checking.by_id) == 2, "a rotation has two keys"


def test_a_service_takes_no_token_of_the_kind_that_it_is_not_configured_with(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("JWT_PUBLIC_KEYS", SET)
    public = load(TokenSettings, service="note-service").keys()
    environment.delenv("JWT_PUBLIC_KEYS")
    environment.setenv("SECRET_KEY", SECRET)
    shared = load(TokenSettings, service="note-service").keys()

    signing = (keys.shared(SECRET), keys.private(PEM, keys.public(SET)))
    by_secret, by_key = (
        issue(key, ADA, timedelta(minutes=1), datetime.now(UTC)) for key in signing
    )
    assert verify(shared, by_secret) == verify(public, by_key) == ADA
    for checking, token in ((public, by_secret), (shared, by_key)):
        with pytest.raises(Unauthenticated):
            verify(checking, token)


def test_secrets_stay_out_of_the_repr(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("JWT_PUBLIC_KEYS", SET)
    environment.setenv("JWT_PRIVATE_KEY", PEM)
    assert "PRIVATE KEY" not in repr(load(SigningSettings, service="user-service"))
