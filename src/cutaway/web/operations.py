"""For operators and their tools: health, readiness, metrics, and a page about each problem."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from cutaway.web import answers, describe
from cutaway.web.access import check_key
from cutaway.web.problems import KINDS, ProblemError
from cutaway.web.service import service_of

router = APIRouter(tags=["operations"])


@router.get("/healthz")
async def healthz() -> answers.Health:
    """Say that the server is alive."""
    return answers.Health(status="alive")


@router.get("/readyz", responses=describe.problems("shutting-down", "busy"))
async def readyz(request: Request) -> answers.Health:
    """Say whether photographs are taken: workers are up, and the server is not stopping."""
    pool = service_of(request).pool
    if pool.stopping:
        raise ProblemError("shutting-down", "The server is being stopped.", retry_after=pool.patience())
    if not pool.ready:
        raise ProblemError("busy", "No worker is up at the moment.", retry_after=1)
    return answers.Health(status="ready")


@router.get("/metrics", response_class=PlainTextResponse, responses=describe.problems("unauthorized"))
async def metrics(request: Request) -> Response:
    """Show counters and gauges for Prometheus."""
    service = service_of(request)
    check_key(request, service.settings.api_keys)
    return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/problems/{name}", response_class=PlainTextResponse, responses=describe.problems("not-found"))
async def problem(name: Annotated[str, Path(json_schema_extra={"enum": list(KINDS)})]) -> str:
    """Explain a problem; its address is the ``type`` in the answer."""
    if name not in KINDS:
        raise ProblemError("not-found", "There is no problem of this name.")
    kind = KINDS[name]
    return f"{name}: status {kind.status}\n\n{kind.title}. {kind.advice}\n"
