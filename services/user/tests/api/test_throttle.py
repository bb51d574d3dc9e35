"""Waits after failed logins: who has to wait, how long, and who does not."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from servicekit.testing.conformance import assert_problem
from servicekit.testing.live_server import serving
from user_service.app import create_app
from user_service.settings import UserSettings

Register = Callable[..., dict[str, Any]]
MakeSettings = Callable[..., UserSettings]

HOME = "198.51.100.7"
STRANGER = "203.0.113.5"
PASSWORD = "securepass123"
CHANGE = "/api/v1/auth/me/password"


@pytest.fixture
def client(make_settings: MakeSettings) -> Iterator[httpx.Client]:
    """Return a client with a real connection, because uvicorn reads X-Forwarded-For."""
    limited = make_settings(failures_per_account=3, failures_per_client=8)
    with (
        serving(create_app(limited)) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client,
    ):
        yield client


def attempt(
    client: httpx.Client, login: str = "johndoe", password: str = "wrong", came_from: str = STRANGER
) -> httpx.Response:
    body = {"username": login, "password": password}
    return client.post("/api/v1/auth/login", json=body, headers={"X-Forwarded-For": came_from})


def statuses(client: httpx.Client, times: int, **how: str) -> list[int]:
    return [attempt(client, **how).status_code for _ in range(times)]


def run(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


def hold(engine: Engine) -> None:
    """Make the current waits long enough for any machine."""
    run(engine, "UPDATE failed_sign_ins SET blocked_until = blocked_until + interval '1 hour'")


def release(engine: Engine) -> None:
    """End the current waits."""
    run(engine, "UPDATE failed_sign_ins SET blocked_until = now()")


def wait_of(engine: Engine, name: str) -> int:
    """Return the wait in seconds that followed the counter's last failure."""
    query = text("""
        SELECT round(extract(epoch FROM blocked_until - (expires_at - interval '1 day')))
        FROM failed_sign_ins WHERE digest = sha256(convert_to(:name, 'UTF8'))
    """)
    with engine.connect() as connection:
        return int(connection.execute(query, {"name": name}).scalar_one())


@pytest.mark.parametrize("login", ["johndoe", "john@example.com", "nobody", "nobody@example.com"])
def test_guessing_ends_the_same_for_any_name_whether_it_has_an_account(
    client: httpx.Client, register: Register, engine: Engine, login: str
) -> None:
    register()

    assert statuses(client, 3, login=login) == [401] * 3
    hold(engine)

    refused = attempt(client, login, PASSWORD)
    assert_problem(refused, 429)
    assert refused.json()["type"] == "/problems/too-many-failures"
    assert 3590 <= int(refused.headers["retry-after"]) <= 3601
    form = {"username": login, "password": PASSWORD}
    assert client.post("/api/v1/auth/token", data=form).status_code == 429


def test_a_refused_attempt_makes_the_wait_no_longer(
    client: httpx.Client, register: Register, engine: Engine
) -> None:
    register()
    statuses(client, 3)
    hold(engine)

    waits = [int(attempt(client).headers["retry-after"]) for _ in range(5)]

    assert waits == sorted(waits, reverse=True)


def test_when_failures_are_forgotten_counting_starts_from_nought(
    client: httpx.Client, register: Register, engine: Engine
) -> None:
    register()
    statuses(client, 3)
    run(engine, "UPDATE failed_sign_ins SET expires_at = now(), blocked_until = now()")

    assert statuses(client, 3) == [401] * 3
    hold(engine)
    assert statuses(client, 1) == [429]


def test_each_failure_after_the_free_ones_doubles_the_wait(
    client: httpx.Client, register: Register, engine: Engine
) -> None:
    register()
    statuses(client, 2)
    waits = []
    for _ in range(4):
        assert attempt(client).status_code == 401
        waits.append(wait_of(engine, "account:1"))
        release(engine)

    assert waits == [1, 2, 4, 8]


def test_ten_wrong_passwords_from_home_cost_the_owner_a_second(
    make_settings: MakeSettings, engine: Engine
) -> None:
    with (
        serving(create_app(make_settings())) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client,
    ):
        john = {"email": "john@example.com", "username": "johndoe", "password": PASSWORD}
        assert client.post("/api/v1/auth/register", json=john).status_code == 201
        assert attempt(client, password=PASSWORD, came_from=HOME).status_code == 200

        assert statuses(client, 10, came_from=HOME) == [401] * 10

        assert wait_of(engine, f"known:1:{HOME}") == 1
        release(engine)
        assert attempt(client, password=PASSWORD, came_from=HOME).status_code == 200


def test_failures_in_a_row_are_remembered_for_a_day_from_the_last_one(
    client: httpx.Client, register: Register, engine: Engine
) -> None:
    register()
    run(engine, "DELETE FROM failed_sign_ins")
    attempt(client)
    run(engine, "UPDATE failed_sign_ins SET expires_at = expires_at - interval '14 minutes'")
    attempt(client)

    with engine.connect() as connection:
        left = connection.execute(text("SELECT expires_at - now() FROM failed_sign_ins")).scalars()
        by_client, by_account = sorted(left)
    assert by_client <= timedelta(minutes=1)  # From the first one on.
    assert timedelta(hours=23) < by_account <= timedelta(days=1)


def test_an_expired_counter_that_is_still_there_starts_from_nought(
    client: httpx.Client, register: Register, engine: Engine
) -> None:
    register()
    run(engine, "DELETE FROM failed_sign_ins")
    statuses(client, 2)
    run(engine, "UPDATE failed_sign_ins SET expires_at = now()")
    with engine.begin() as held:
        # Rows that another transaction has locked are not pruned.
        held.execute(text("SELECT * FROM failed_sign_ins FOR KEY SHARE"))
        attempt(client)

    with engine.connect() as connection:
        counted = connection.execute(text("SELECT failures FROM failed_sign_ins")).scalars()
    assert list(counted) == [1, 1]


@pytest.mark.parametrize(
    "variant", ["JohnDoe", "JOHNDOE", "johndoe", "john@EXAMPLE.com", "John@example.com"]
)
def test_a_name_is_one_name_in_whatever_case(
    client: httpx.Client, register: Register, engine: Engine, variant: str
) -> None:
    register()
    name = "john@example.com" if "@" in variant else "johndoe"

    assert statuses(client, 2, login=name) + statuses(client, 1, login=variant) == [401] * 3
    hold(engine)
    assert attempt(client, name).status_code == 429


def test_an_account_has_two_names_and_one_counter(
    client: httpx.Client, register: Register, engine: Engine
) -> None:
    register()
    assert statuses(client, 2) + statuses(client, 1, login="john@example.com") == [401] * 3
    hold(engine)

    assert statuses(client, 1) + statuses(client, 1, login="john@example.com") == [429] * 2


def test_strangers_do_not_lock_out_a_client_that_signed_in_before(
    client: httpx.Client, register: Register, engine: Engine
) -> None:
    register()
    assert attempt(client, password=PASSWORD, came_from=HOME).status_code == 200
    for stranger in range(3):
        attempt(client, came_from=f"203.0.113.{stranger}")
    hold(engine)
    assert attempt(client, password=PASSWORD, came_from="203.0.113.99").status_code == 429

    assert attempt(client, password=PASSWORD, came_from=HOME).status_code == 200
    by_mail = attempt(client, "john@example.com", PASSWORD, came_from=HOME)
    assert by_mail.status_code == 200


def test_guesses_at_other_accounts_lock_a_known_client_out_of_none_of_its_own(
    client: httpx.Client, register: Register
) -> None:
    register()
    assert attempt(client, password=PASSWORD, came_from=HOME).status_code == 200
    for number in range(9):
        attempt(client, f"somebody{number}", came_from=HOME)
    assert attempt(client, "another", came_from=HOME).status_code == 429

    assert attempt(client, password=PASSWORD, came_from=HOME).status_code == 200


def test_a_known_client_may_not_guess_without_end_either(
    client: httpx.Client, register: Register, engine: Engine
) -> None:
    register()
    attempt(client, password=PASSWORD, came_from=HOME)

    assert statuses(client, 3, came_from=HOME) == [401] * 3
    hold(engine)
    assert attempt(client, password=PASSWORD, came_from=HOME).status_code == 429
    assert attempt(client, password=PASSWORD).status_code == 200


def test_a_client_is_known_to_the_account_it_signed_in_to_only(
    client: httpx.Client, register: Register, engine: Engine
) -> None:
    register()
    register(username="other", email="other@example.com")
    attempt(client, "other", PASSWORD, came_from=HOME)
    statuses(client, 3)
    hold(engine)

    assert attempt(client, password=PASSWORD, came_from=HOME).status_code == 429


def test_a_client_not_seen_for_ninety_days_is_a_stranger_and_is_forgotten(
    client: httpx.Client, register: Register, engine: Engine
) -> None:
    register()
    attempt(client, password=PASSWORD, came_from=HOME)
    statuses(client, 3)
    hold(engine)
    run(engine, "UPDATE known_clients SET seen_at = now() - interval '90 days'")

    assert attempt(client, password=PASSWORD, came_from=HOME).status_code == 429

    run(engine, "DELETE FROM failed_sign_ins")
    attempt(client, password=PASSWORD)
    with engine.connect() as connection:
        known = connection.execute(text("SELECT client FROM known_clients")).scalars()
        assert list(known) == [STRANGER]


def test_a_client_stays_known_while_it_keeps_signing_in(
    client: httpx.Client, register: Register, engine: Engine
) -> None:
    register()
    attempt(client, password=PASSWORD, came_from=HOME)
    run(engine, "UPDATE known_clients SET seen_at = now() - interval '89 days'")

    attempt(client, password=PASSWORD, came_from=HOME)

    with engine.connect() as connection:
        query = "SELECT now() - seen_at < interval '1 minute' FROM known_clients"
        assert connection.execute(text(query)).scalar_one()


@pytest.mark.parametrize("came_from", [HOME, STRANGER])
def test_a_good_sign_in_starts_from_nought(
    client: httpx.Client, register: Register, came_from: str
) -> None:
    register()
    attempt(client, password=PASSWORD, came_from=HOME)

    assert statuses(client, 2, came_from=came_from) == [401] * 2
    assert attempt(client, password=PASSWORD, came_from=came_from).status_code == 200
    assert statuses(client, 2, came_from=came_from) == [401] * 2
    assert attempt(client, password=PASSWORD, came_from=came_from).status_code == 200


def test_a_client_may_not_try_one_password_on_everybody(
    client: httpx.Client, register: Register
) -> None:
    register()
    assert [attempt(client, f"user{each}").status_code for each in range(8)] == [401] * 8

    assert attempt(client, password=PASSWORD).status_code == 429
    assert attempt(client, password=PASSWORD, came_from=HOME).status_code == 200


def test_a_login_to_another_account_gives_no_more_guesses(
    client: httpx.Client, register: Register
) -> None:
    register()
    for number in range(8):
        attempt(client, f"user{number}")
        attempt(client, password=PASSWORD)

    assert attempt(client, "user9").status_code == 429


@pytest.mark.parametrize(
    ("one", "same"),
    [
        (f"8.8.8.8, {STRANGER}", f"9.9.9.9, {STRANGER}"),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2"),
        ("127.0.0.5", "127.255.0.6"),
        ("127.0.0.5", "::1"),
        (f"::ffff:{STRANGER}", STRANGER),
        ("rubbish", "\N{LATIN SMALL LETTER E WITH ACUTE}" * 300),
    ],
    ids=[
        "forged hops",
        "one IPv6 network",
        "loopback",
        "IPv6 loopback",
        "IPv4 in IPv6",
        "no address",
    ],
)
def test_a_client_cannot_change_who_it_is(client: httpx.Client, one: str, same: str) -> None:
    for number in range(8):
        attempt(client, f"user{number}", came_from=one.encode("latin-1"))  # type: ignore[arg-type] # httpx takes both

    answer = attempt(client, "another", came_from=same.encode("latin-1"))  # type: ignore[arg-type] # httpx takes both
    assert answer.status_code == 429
    assert attempt(client, "another", came_from="2001:db8:0:2::1").status_code == 401


def test_without_the_sidecars_intentions_x_forwarded_for_does_not_count(
    make_settings: MakeSettings, engine: Engine
) -> None:
    settings = make_settings(trust_forwarded_for=False, failures_per_client=3)
    with (
        serving(create_app(settings)) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client,
    ):
        found = [
            attempt(client, f"user{number}", came_from=f"203.0.113.{number}").status_code
            for number in range(4)
        ]

    assert found == [401] * 3 + [429]


def test_many_guesses_at_once_are_counted_one_by_one(make_settings: MakeSettings) -> None:
    settings = make_settings(failures_per_client=3, password_workers=1, password_cost=8)
    with (
        serving(create_app(settings)) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client,
        ThreadPoolExecutor(20) as threads,
    ):
        found = list(threads.map(lambda _: attempt(client).status_code, range(20)))

    assert sorted(found) == [401] * 3 + [429] * 17


def test_a_stolen_access_token_is_no_way_to_guess_the_password(
    client: httpx.Client, register: Register, engine: Engine
) -> None:
    register()
    token = attempt(client, password=PASSWORD).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    body = {"current_password": "wrong", "new_password": "an even better one"}

    found = [client.post(CHANGE, json=body, headers=headers).status_code for _ in range(3)]
    hold(engine)

    assert found == [403] * 3
    right = {**body, "current_password": PASSWORD}
    assert client.post(CHANGE, json=right, headers=headers).status_code == 429
    assert attempt(client, password=PASSWORD).status_code == 200


def test_a_password_change_starts_from_nought(client: httpx.Client, register: Register) -> None:
    register()
    tokens = attempt(client, password=PASSWORD).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    kept = {"new_password": PASSWORD, "refresh_token": tokens["refresh_token"]}
    wrong = {**kept, "current_password": "wrong"}
    right = {**kept, "current_password": PASSWORD}

    found = [
        client.post(CHANGE, json=body, headers=headers).status_code
        for body in (wrong, wrong, right, wrong, wrong)
    ]

    assert found == [403, 403, 204, 403, 403]


def test_names_and_addresses_are_not_kept_as_text(
    client: httpx.Client, register: Register, engine: Engine
) -> None:
    attempt(client, "my password by mistake")

    with engine.connect() as connection:
        rows = connection.execute(text("SELECT digest FROM failed_sign_ins")).scalars()
        assert {len(bytes(row)) for row in rows} == {32}
