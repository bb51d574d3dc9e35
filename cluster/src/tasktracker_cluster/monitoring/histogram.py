"""How many requests there were, how many failed and how long they took: Prometheus's figures."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Histogram:
    """Counts since a process started, or between two looks at it.

    `buckets` maps a duration in seconds to how many requests took no longer.
    """

    buckets: Mapping[float, float] = field(default_factory=dict)
    requests: float = 0
    errors: float = 0  # answers of 500 and above

    @classmethod
    def read(cls, text: str, name: str, wanted: Callable[[Labels], bool]) -> "Histogram":
        """Read the histogram `name` from a /metrics page, over all its wanted labels."""
        buckets: defaultdict[float, float] = defaultdict(float)
        requests = errors = 0.0
        families = text_string_to_metric_families(text)
        samples = (s for family in families if family.name == name for s in family.samples)
        for sample in filter(lambda sample: wanted(sample.labels), samples):
            if sample.name.endswith("_bucket"):
                buckets[float(sample.labels["le"])] += sample.value
            elif sample.name.endswith("_count"):
                status = sample.labels.get("status") or sample.labels.get("code", "")
                requests += sample.value
                errors += sample.value if status >= "500" else 0
        return cls(buckets, requests, errors)

    def __add__(self, other: "Histogram") -> "Histogram":
        requests, errors = self.requests + other.requests, self.errors + other.errors
        return Histogram(_added(self.buckets, other.buckets, 1), requests, errors)

    def since(self, earlier: "Histogram") -> "Histogram":
        """What came after an earlier look; all of it, if the process started anew meanwhile."""
        if earlier.requests > self.requests:
            return self
        requests, errors = self.requests - earlier.requests, self.errors - earlier.errors
        return Histogram(_added(self.buckets, earlier.buckets, -1), requests, errors)

    def quantile(self, share: float) -> float | None:
        """The duration in seconds that `share` of the requests did not exceed; None without any.

        Within a bucket it is taken to grow evenly, as Prometheus takes it.
        """
        wanted, below, lower = share * self.requests, 0.0, 0.0
        for upper, count in sorted(self.buckets.items()):
            if wanted and count >= wanted:
                if upper == float("inf"):
                    return lower
                return lower + (upper - lower) * (wanted - below) / (count - below)
            below, lower = count, upper
        return None


def _added(
    some: Mapping[float, float], more: Mapping[float, float], sign: int
) -> dict[float, float]:
    return {le: some.get(le, 0) + sign * more.get(le, 0) for le in {*some, *more}}
