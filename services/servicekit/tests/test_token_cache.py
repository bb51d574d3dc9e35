"""The cache of verified tokens: its times and its capacity."""

from servicekit.token_cache import TokenCache


def test_what_a_token_says_is_remembered_until_it_expires() -> None:
    now = 100.0
    cache = TokenCache[str](clock=lambda: now)
    cache.put(b"token", "ada", expires=101, owner=1)

    assert cache.get(b"token") == "ada"
    assert cache.get(b"another") is None
    now = 101.0
    assert cache.get(b"token") is None


def test_a_new_token_displaces_the_one_that_came_first() -> None:
    cache = TokenCache[str](capacity=2, clock=lambda: 0)
    for name in ("a", "b", "a", "c"):
        cache.put(name.encode(), name, expires=1, owner=name)

    assert [cache.get(name) for name in (b"a", b"b", b"c")] == ["a", None, "c"]


def test_an_owner_with_his_share_displaces_himself_alone() -> None:
    cache = TokenCache[str](capacity=4, clock=lambda: 0, share=2)
    for name in ("ada 1", "bob 1", "ada 2", "ada 3", "ada 3"):
        cache.put(name.encode(), name, expires=1, owner=name[:3])

    names = ("ada 1", "bob 1", "ada 2", "ada 3")
    found = [cache.get(name.encode()) for name in names]
    assert found == [None, "bob 1", "ada 2", "ada 3"]


def test_nothing_is_kept_of_an_owner_whose_tokens_were_displaced() -> None:
    cache = TokenCache[str](capacity=2, clock=lambda: 0)
    for number in range(100):
        cache.put(b"%d" % number, "somebody", expires=1, owner=number)

    assert len(cache._owned) == len(cache._entries) == 2


def test_a_token_itself_is_not_kept() -> None:
    cache = TokenCache[str]()
    cache.put(b"the token", "ada", expires=1, owner=1)

    assert "the token" not in repr(vars(cache))
