import pytest

from user_service.domain.clients import network


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
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
