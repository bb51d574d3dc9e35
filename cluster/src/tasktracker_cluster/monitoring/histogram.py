"""Prometheus histograms of requests: their number, their errors and their durations."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Histogram:
    """Counts since a process started, or between two snapshots of it.

    `buckets` maps a duration in seconds to the number of requests that took at most that long.
    """

    buckets: Mapping[float, float] = field(default_factory=dict)
    requests: float = 0
    errors: float = 0  # responses with status 500 and above

    @classmethod
    def read(cls, text: str, name: str, wanted: Callable[[Labels], bool]) -> "Histogram":
        """Read the histogram `name` from the text of a /metrics page.

        It is the sum over all series for whose labels `wanted` returns True.
        """
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
        """Return the counts since an earlier snapshot, or all if the process was restarted."""
        if earlier.requests > self.requests:
            return self
        requests, errors = self.requests - earlier.requests, self.errors - earlier.errors
        return Histogram(_added(self.buckets, earlier.buckets, -1), requests, errors)

    def quantile(self, share: float) -> float | None:
        """Return a quantile of the durations in seconds, None when there were no requests.

        `share` is between 0 and 1. Within a bucket the durations are interpolated linearly, as in
        Prometheus's `histogram_quantile`.
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
