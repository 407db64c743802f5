"""What is counted, for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Counters of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "cutaway_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "cutaway_request_seconds",
            "From the headers to the last byte.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.stages = Histogram(
            "cutaway_stage_seconds", "Stages of a cut-out.", ("stage",), buckets=SECONDS, registry=self.registry
        )
        self.received = Counter("cutaway_received_bytes", "Bytes of uploads.", registry=self.registry)
        self.sent = Counter("cutaway_sent_bytes", "Bytes of answers.", registry=self.registry)
        self.problems = Counter("cutaway_problems", "Problems answered.", ("problem",), registry=self.registry)
        self.workers_lost = Counter("cutaway_workers_lost", "Workers that died or were killed.", registry=self.registry)
        self.retries = Counter("cutaway_retries", "Photographs begun anew after a worker died.", registry=self.registry)

    def watch(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """Let the gauge ``name`` show what ``value`` gives whenever it is asked for."""
        Gauge(name, meaning, registry=self.registry).set_function(value)
