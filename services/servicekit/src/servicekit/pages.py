"""HTML pages with a strict Content-Security-Policy."""

import base64
import hashlib
import re

from starlette.responses import HTMLResponse

_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)
# Swagger UI's style sheet contains its images.
_SOURCES = {"script": "'self'", "style": "'self'", "img": "'self' data:", "connect": "'self'"}


def response(page: str, headers: dict[str, str] | None = None) -> HTMLResponse:
    """Answer with a page that no other page may frame, and that runs no foreign code.

    `page` is HTML that we wrote, with everything from elsewhere escaped. Its `<script>` and
    `<style>` elements without attributes are allowed by their hashes; `style=` and `on...=` never
    work.
    """
    return HTMLResponse(page, headers={**_protection(page), **(headers or {})})


def _protection(page: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": _policy(page),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",  # the page is the same for everybody
    }


def _policy(page: str) -> str:
    """Make the Content-Security-Policy."""
    sources = dict(_SOURCES)
    for element, text in _INLINE.findall(page):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        sources[element] += f" 'sha256-{digest}'"
    fetched = "; ".join(f"{kind}-src {allowed}" for kind, allowed in sources.items())
    return (
        f"default-src 'none'; {fetched}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
