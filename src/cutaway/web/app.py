"""The application: routes, and what surrounds them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from granian.utils.proxies import wrap_asgi_with_proxy_headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from cutaway import __version__
from cutaway.web import describe, logs, native, operations, page
from cutaway.web.context import Context, problem_response
from cutaway.web.problems import ProblemError
from cutaway.web.service import Service, build
from cutaway.web.settings import Settings
from cutaway.web.wishes import invalid

UNROUTED = {404: "not-found", 405: "method-not-allowed"}


def create_app(settings: Settings, when_ready: Callable[[], object] = lambda: None) -> ASGIApp:
    """Return the ASGI application of a server that is set up as ``settings`` say; its lifespan starts the workers.

    It calls ``when_ready`` once they are.
    """
    service = build(settings)
    app = FastAPI(
        title="Cutaway",
        version=__version__,
        summary="Cuts people out of photographs.",
        docs_url=None,  # FastAPI's pages load scripts from elsewhere
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.service, app.state.when_ready = service, when_ready
    for router in (native.router, operations.router):
        app.include_router(router)
    page.mount(app)
    for kind in (ProblemError, RequestValidationError, HTTPException, ClientDisconnect, Exception):
        app.add_exception_handler(kind, _answer_error)
    _describe(app)
    inner = Context(app, service.metrics, settings.hosts, settings.pace)
    return wrap_asgi_with_proxy_headers(inner, list(settings.trusted_proxies)) if settings.trusted_proxies else inner


def from_environment(when_ready: Callable[[], object] = lambda: None) -> ASGIApp:
    """Return the application that the environment describes, for ``granian`` or ``uvicorn --factory``."""
    settings = Settings()
    logs.configure(settings)
    return create_app(settings, when_ready)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    try:
        await service.pool.start()
    except RuntimeError as error:
        structlog.get_logger().error("not started", reason=str(error))
        raise
    structlog.get_logger().info("ready", workers=service.settings.workers, models=list(service.models))
    app.state.when_ready()
    yield
    await service.pool.drain(service.settings.drain)
    structlog.get_logger().info("stopped")


def _describe(app: FastAPI) -> None:
    """Complete the description that FastAPI makes, when it is first asked for."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = describe.add_schemas(generate())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to do it


async def _answer_error(request: Request, error: Exception) -> Response:
    response = problem_response(request, _problem_of(error))
    if isinstance(error, ClientDisconnect):  # there is nobody who has a problem
        request.state.is_gone = True
        del request.state.problem
    if isinstance(error, HTTPException):
        response.headers.update(error.headers or {})
    return response


def _problem_of(error: Exception) -> ProblemError:
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, RequestValidationError):
        return invalid(error.errors()[0])
    if isinstance(error, HTTPException):
        return ProblemError(UNROUTED.get(error.status_code, "malformed-request"), f"{error.detail}.")
    if isinstance(error, ClientDisconnect):
        return ProblemError("malformed-request", "The request ended before it was whole.")
    return ProblemError("worker-failed", "The server failed over this request; its log says where.")
