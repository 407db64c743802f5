"""What FastAPI cannot see of the API: bodies that are files, and every problem, for ``/openapi.json``."""

from typing import Any

from cutaway.web import answers
from cutaway.web.negotiation import MEDIA_TYPES
from cutaway.web.problems import KINDS, MEDIA_TYPE, uri

FILE = {"type": "string", "format": "binary"}
PHOTO_TYPES = ("image/jpeg", "image/png", "image/webp", "image/avif", "image/heic", "application/octet-stream")

HEADERS: dict[str, Any] = {
    "X-Width": {"description": "Of the result, in pixels.", "schema": {"type": "integer"}},
    "X-Height": {"description": "Of the result, in pixels.", "schema": {"type": "integer"}},
    "X-Found-Person": {"description": "Whether there is somebody.", "schema": {"enum": ["true", "false"]}},
    "X-Confidence": {
        "description": "The person IoU to expect, 0 to 1; of nobody, how sure.",
        "schema": {"type": "number"},
    },
    "X-Person-Box": {
        "description": "top,left,bottom,right in the result; absent with nobody.",
        "schema": {"type": "string"},
    },
    "X-Model": {"description": "The model that was used.", "schema": {"type": "string"}},
    "X-Note": {"description": "What else the file held that is not in the result.", "schema": {"type": "string"}},
    "Server-Timing": {"description": "Milliseconds by stage.", "schema": {"type": "string"}},
}


def problems(*names: str) -> dict[int | str, dict[str, Any]]:
    """Return the answers that the problems ``names`` are, by status, each with an example."""
    found: dict[int | str, dict[str, Any]] = {}
    for name in names:
        kind = KINDS[name]
        answer = found.setdefault(kind.status, _answer(kind.status))
        answer["description"] = "; ".join(filter(None, (answer["description"], f"`{name}`: {kind.title}")))
        answer["content"][MEDIA_TYPE]["examples"][name] = {"value": _example(name)}
    return found


def _answer(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    later = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    answer: dict[str, Any] = {"description": "", "content": {MEDIA_TYPE: {"schema": schema, "examples": {}}}}
    return {**answer, "headers": later} if status in (429, 503) else answer


def _example(name: str) -> dict[str, Any]:
    kind = KINDS[name]
    return {
        "type": uri(name),
        "title": kind.title,
        "status": kind.status,
        "detail": kind.advice,
        "request_id": "5f0c6a1e9d",
    }


CUTOUT_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The cut-out; in JSON with what is known of it.",
        "headers": HEADERS,
        "content": {
            **{media_type: {"schema": FILE} for media_type in MEDIA_TYPES.values()},
            "application/json": {"schema": {"$ref": "#/components/schemas/Cutout"}},
        },
    },
    **problems(*(name for name in KINDS if name not in ("not-found", "method-not-allowed"))),
}


def add_schemas(description: dict[str, Any]) -> dict[str, Any]:
    """Return FastAPI's ``description`` with what is beside it here: forms, keys, and schemas that no route returns."""
    schemas = description["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for model in (answers.Problem, answers.Cutout):
        schemas[model.__name__] = model.model_json_schema()
    # FastAPI announces its own answer to invalid parameters; ours is a problem with status 400.
    for each in (each for path in description["paths"].values() for each in path.values()):
        if "HTTPValidationError" in str(each["responses"].get("422")):
            del each["responses"]["422"]
    operation = description["paths"]["/v1/cutout"]["post"]
    operation["requestBody"] = REQUEST
    for each in operation["parameters"]:
        each["schema"] = _without_null(each["schema"])
    description["components"]["securitySchemes"] = {
        "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
        "bearer": {"type": "http", "scheme": "bearer"},
    }
    for path in ("/v1/cutout", "/v1/models", "/metrics"):
        for each in description["paths"][path].values():
            each["security"] = [{}, {"key": []}, {"bearer": []}]
    return description


FORM = {
    "type": "object",
    "required": ["image"],
    "properties": {"image": FILE, "background": {**FILE, "description": "A picture to lie behind the person."}},
    "description": "Each option of the query may be a field of the form instead, and goes before the query's.",
}
REQUEST = {
    "required": True,
    "content": {
        **{media_type: {"schema": FILE} for media_type in PHOTO_TYPES},
        "multipart/form-data": {"schema": FORM},
    },
}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an option that may be left out, for a place where there is no null: a query, a form."""
    others = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    return {**others[0], **rest} if len(others) == 1 else schema
