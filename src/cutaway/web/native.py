"""The native API: ``/v1/cutout``, ``/v1/models``, ``/v1/limits``."""

import asyncio
from base64 import b64encode
from collections.abc import Coroutine
from pathlib import PurePath
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from cutaway import __version__
from cutaway.errors import ImageError
from cutaway.filekind import KINDS, kind_of
from cutaway.web import answers, describe, negotiation, uploads
from cutaway.web.access import check_key
from cutaway.web.messages import Message
from cutaway.web.problems import ProblemError
from cutaway.web.service import Service, service_of
from cutaway.web.uploads import Upload
from cutaway.web.wishes import Wishes, check_once, look, merged


def _known(request: Request) -> Service:
    """Return the service to somebody who may use it."""
    service = service_of(request)
    check_key(request, service.settings.api_keys)
    return service


Known = Annotated[Service, Depends(_known)]
router = APIRouter(prefix="/v1", tags=["native"])


@router.get("/limits")
async def limits(request: Request) -> answers.Limits:
    """State what an upload may be, and how many are done at once."""
    settings = service_of(request).settings
    return answers.Limits(
        max_bytes=settings.max_bytes,
        max_pixels=settings.max_pixels,
        max_side=settings.max_side,
        types=[KINDS[kind] for kind in settings.accepted],
        deadline_seconds=settings.deadline,
        workers=settings.workers,
        queue=settings.queue,
        key_required=bool(settings.api_keys),
        rate=settings.rate_limit,
        version=__version__,
    )


@router.get("/models", responses=describe.problems("unauthorized"))
async def models(service: Known) -> list[answers.Model]:
    """List the models, the default one first: input, training data, scores, licence."""
    return [
        answers.Model(**{**facts, "name": name, "default": name == _default(service)})
        for name, facts in service.models.items()
    ]


@router.post("/cutout", response_class=Response, responses=describe.CUTOUT_ANSWERS)
async def cutout(request: Request, query: Annotated[Wishes, Query()], service: Known) -> Response:
    """Cut the people out of a photograph, which is the body, or the part ``image`` of a form."""
    accept, settings = request.headers.get("accept", ""), service.settings
    check_once(name for name, _ in request.query_params.multi_items())
    negotiation.choose(accept, query.format)
    service.rate_limit.check(request)
    service.pool.check_room()
    with service.budget.account() as account:
        upload = await uploads.receive(request, settings.max_bytes, settings.pace, account)
        service.metrics.received.inc(account.bytes)
        wishes = merged(query, upload.fields)
        wishes = wishes.model_copy(
            update={"model": wishes.model or _default(service), "refine": wishes.refine or settings.refine[0]}
        )
        offer = negotiation.choose(accept, wishes.format)
        answer = await _while_connected(request, _work(service, upload, wishes, offer.format))
    for stage, seconds in answer.facts["seconds"].items():
        service.metrics.stages.labels(stage).observe(seconds)
    return _wrapped(answer, wishes, offer) if offer.as_json else _plain(answer, wishes, offer, upload.name)


async def _work(service: Service, upload: Upload, wishes: Wishes, file_format: str) -> Message:
    """Return the worker's answer. Raises ``ProblemError`` if there is no cut-out."""
    files = [upload.image] if upload.picture is None else [upload.image, upload.picture]
    for file in files:
        _check_kind(file, service.settings.accepted)
    if wishes.model not in service.models:
        raise ProblemError("invalid-option", "model: there is none of this name; see /v1/models.", option="model")
    if wishes.refine not in service.settings.refine:
        offered = ", ".join(service.settings.refine)
        raise ProblemError("invalid-option", f"refine: this server offers {offered} alone.", option="refine")
    encoding = {"format": file_format, "quality": wishes.quality, "keep_metadata": wishes.keep_metadata}
    job = {
        "options": look(wishes),
        "encoding": encoding,
        **wishes.model_dump(include={"model", "refine", "require_person"}),
    }
    answer, waited = await service.pool.run(Message(job, files))
    if "problem" in answer.facts:
        raise ProblemError(**answer.facts["problem"])
    return Message({**answer.facts, "seconds": {"queue": waited, **answer.facts["seconds"]}}, answer.files)


def _check_kind(file: bytes, accepted: tuple[str, ...]) -> None:
    try:
        kind = kind_of(file)
    except ImageError as error:
        raise ProblemError("unsupported-type", str(error)) from error
    if kind not in accepted:
        raise ProblemError("unsupported-type", f"{kind} files are not accepted here; send {', '.join(accepted)}.")


async def _while_connected(request: Request, work: Coroutine[Any, Any, Message]) -> Message:
    """Return what ``work`` gives. Work that has not begun is given up when the client goes away.

    Raises:
        ClientDisconnect: It did.
    """
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


def _plain(answer: Message, wishes: Wishes, offer: negotiation.Offer, name: str) -> Response:
    facts, seconds = answer.facts["cutout"], answer.facts["seconds"]
    headers = {
        "X-Width": str(facts["width"]),
        "X-Height": str(facts["height"]),
        "X-Found-Person": str(facts["found_person"]).lower(),
        "X-Confidence": f"{facts['confidence']:.4f}",
        "X-Model": str(wishes.model),
        "Server-Timing": ", ".join(f"{stage};dur={1000 * taken:.1f}" for stage, taken in seconds.items()),
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(_stem(name))}-cutout.{offer.format}",
        "Vary": "Accept",
    }
    if facts["box"]:
        headers["X-Person-Box"] = ",".join(map(str, facts["box"]))
    if facts["note"]:
        headers["X-Note"] = facts["note"]
    return Response(answer.files[0], media_type=offer.media_type, headers=headers)


def _wrapped(answer: Message, wishes: Wishes, offer: negotiation.Offer) -> Response:
    facts = {
        **answer.facts["cutout"],
        "media_type": offer.media_type,
        "model": wishes.model,
        "seconds": {stage: round(taken, 4) for stage, taken in answer.facts["seconds"].items()},
        "image": b64encode(answer.files[0]).decode(),
    }
    return JSONResponse(facts, headers={"Vary": "Accept"})


def _stem(name: str) -> str:
    """Return what of a client's file name may go into ours."""
    stem = PurePath(name.replace("\\", "/")).stem
    return "".join(character for character in stem if character.isprintable()).strip(". ")[:100] or "photo"


def _default(service: Service) -> str:
    return next(iter(service.models))
