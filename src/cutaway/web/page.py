"""The page, as it lies in ``static``; there is no build step."""

from pathlib import Path

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent / "static"
SAMPLE = Path(__file__).parents[1] / "samples" / "astronaut.jpg"
UNCHANGED = {"Cache-Control": "no-cache"}
"""A browser keeps the file, and asks each time whether it is still the same."""

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index() -> FileResponse:
    """Return the page."""
    return FileResponse(FOLDER / "index.html", headers=UNCHANGED)


@router.get("/samples/astronaut.jpg")
async def sample() -> FileResponse:
    """Return a portrait to try the page with."""
    return FileResponse(SAMPLE, headers=UNCHANGED)


class _Static(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(UNCHANGED)
        return response


def mount(app: FastAPI) -> None:
    """Let ``app`` serve the page."""
    app.include_router(router)
    app.mount("/static", _Static(directory=FOLDER), name="static")
