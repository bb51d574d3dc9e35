"""Content negotiation: which of two media types a client prefers (RFC 9110, section 12.5.1)."""


def prefers_html(accept: str) -> bool:
    """Tell whether the Accept header prefers text/html to application/json."""
    ranges = dict(_weighted(part) for part in accept.split(","))
    return _weight(ranges, "text/html") > _weight(ranges, "application/json")


def _weight(ranges: dict[str, float], media_type: str) -> float:
    family = media_type.split("/")[0]
    for candidate in (media_type, f"{family}/*", "*/*"):
        if candidate in ranges:
            return ranges[candidate]
    return 0.0


def _weighted(part: str) -> tuple[str, float]:
    media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = next((value[2:] for value in parameters if value.startswith("q=")), "1")
    try:
        return media_range, float(quality)
    except ValueError:
        return media_range, 0.0
