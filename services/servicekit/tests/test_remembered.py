from servicekit.remembered import Remembered


def test_what_a_token_says_is_remembered_until_it_expires() -> None:
    now = 100.0
    remembered = Remembered[str](clock=lambda: now)
    remembered.keep(b"token", "ada", expires=101)

    assert remembered.find(b"token") == "ada"
    assert remembered.find(b"another") is None
    now = 101.0
    assert remembered.find(b"token") is None


def test_a_new_token_displaces_the_one_that_came_first() -> None:
    remembered = Remembered[str](capacity=2, clock=lambda: 0)
    for name in ("a", "b", "a", "c"):
        remembered.keep(name.encode(), name, expires=1)

    assert [remembered.find(name) for name in (b"a", b"b", b"c")] == ["a", None, "c"]


def test_a_token_itself_is_not_kept() -> None:
    remembered = Remembered[str]()
    remembered.keep(b"the token", "ada", expires=1)

    assert "the token" not in repr(vars(remembered))
