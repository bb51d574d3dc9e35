"""Which client an address stands for."""

import pytest

from user_service.domain.clients import behind_gateway, network


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.5", "127.0.0.1"),
        ("127.255.255.254", "127.0.0.1"),
        ("::1", "127.0.0.1"),
        ("::ffff:127.0.0.9", "127.0.0.1"),
        ("::2", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff::/64"),
        ("", "unknown"),
        ("198.51.100.7:80", "unknown"),
        ("testserver", "unknown"),
    ],
)
def test_an_address_stands_for_a_client(host: str, client: str) -> None:
    assert network(host) == client
    assert len(client) <= 43


@pytest.mark.parametrize(
    ("hops", "client"),
    [
        ([], "127.0.0.1"),
        ([""], "127.0.0.1"),
        (["198.51.100.7"], "198.51.100.7"),
        (["8.8.8.8, 198.51.100.7"], "198.51.100.7"),
        (["8.8.8.8,198.51.100.7 "], "198.51.100.7"),
        (["8.8.8.8", "198.51.100.7"], "198.51.100.7"),
        (["198.51.100.7, nonsense"], "unknown"),
    ],
)
def test_behind_a_gateway_its_last_word_is_the_client(hops: list[str], client: str) -> None:
    assert behind_gateway("127.0.0.3", hops) == client
