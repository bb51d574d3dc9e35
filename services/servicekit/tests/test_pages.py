"""The Content-Security-Policy of pages."""

import base64
import hashlib

from servicekit import pages

PAGE = "<style>a {}</style><script src='/a.js'></script><script>\n1\n</script>"


def digest(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def policy(page: str) -> dict[str, list[str]]:
    text = pages.response(page).headers["content-security-policy"]
    return {name: values for name, *values in (part.split() for part in text.split("; "))}


def test_only_the_inline_parts_of_the_page_itself_may_run() -> None:
    found = policy(PAGE)
    assert found["script-src"] == ["'self'", digest("\n1\n")]
    assert found["style-src"] == ["'self'", digest("a {}")]
    assert found["default-src"] == ["'none'"]


def test_a_page_allows_nothing_inline_frames_or_forms() -> None:
    text = pages.response(PAGE).headers["content-security-policy"]
    assert "unsafe" not in text
    for name in ("frame-ancestors", "form-action", "base-uri"):
        assert policy(PAGE)[name] == ["'none'"]


def test_a_page_tells_no_other_where_it_was_left_from() -> None:
    headers = pages.response(PAGE, {"Vary": "Accept"}).headers
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["vary"] == "Accept"
