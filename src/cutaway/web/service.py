"""What the routes of one server share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.requests import HTTPConnection

from cutaway.web.access import RateLimit
from cutaway.web.metrics import Metrics
from cutaway.web.pool import Plan, Pool
from cutaway.web.settings import Settings
from cutaway.web.setup import Setup
from cutaway.web.uploads import Budget


@dataclass(frozen=True)
class Service:
    """The parts that live as long as the server."""

    settings: Settings
    metrics: Metrics
    pool: Pool
    budget: Budget
    rate_limit: RateLimit

    @property
    def models(self) -> Mapping[str, Any]:
        """The manifests of the models by name, the default one first."""
        return self.pool.models


def build(settings: Settings) -> Service:
    """Return the parts of a server that is set up as ``settings`` say; nothing is started."""
    metrics = Metrics()
    limits = settings.max_bytes, settings.max_pixels, settings.max_side
    setup = Setup(settings.model_files, settings.refine, *limits, settings.threads, settings.memory * 1_000_000)
    plan = Plan(settings.workers, settings.queue, settings.deadline, settings.recycle)
    pool = Pool(setup, plan, metrics, _note_loss)
    budget = Budget(settings.upload_memory * 1_000_000)
    metrics.watch("cutaway_queue_length", "Photographs that wait.", lambda: pool.waiting)
    metrics.watch("cutaway_workers_ready", "Workers that have loaded their model.", lambda: pool.ready)
    metrics.watch("cutaway_workers_busy", "Workers that have a photograph.", lambda: pool.running)
    metrics.watch("cutaway_upload_bytes_held", "Bytes of uploads in memory.", lambda: budget.held)
    return Service(settings, metrics, pool, budget, RateLimit(settings))


def service_of(connection: HTTPConnection) -> Service:
    """Return the service that answers ``connection``."""
    service: Service = connection.app.state.service
    return service


def _note_loss(reason: str) -> None:
    structlog.get_logger().warning("worker replaced", reason=reason)
