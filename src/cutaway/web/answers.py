"""What the API answers, for its description."""

from pydantic import BaseModel, Field


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="Which problem this is; also the address of a page about it.")
    title: str
    status: int
    detail: str = Field(description="What was wrong with this request, and what to do.")
    request_id: str
    limit: int | None = Field(default=None, description="The limit that was passed.")
    actual: int | None = Field(default=None, description="What there was instead.")
    option: str | None = Field(default=None, description="The option at fault.")


class Limits(BaseModel):
    """What an upload may be, and how many are done at once."""

    max_bytes: int
    max_pixels: int
    max_side: int
    types: list[str]
    deadline_seconds: float
    workers: int
    queue: int
    key_required: bool
    rate: str | None
    version: str


class Fit(BaseModel):
    """How a photograph is brought to the network's input."""

    rule: str
    size: int
    multiple: int


class TrainingSet(BaseModel):
    """A set that a model was trained on."""

    name: str
    photos: int | None
    terms: str


class Model(BaseModel):
    """The facts of a model."""

    name: str
    default: bool
    version: str
    architecture: str
    parameters: int
    fit: Fit
    training_data: list[TrainingSet]
    scores: dict[str, float] = Field(description="Mean person IoU by set.")
    licence: str
    sha256: str


class Cutout(BaseModel):
    """A result, and what is known of it."""

    image: str = Field(description="The picture, base64.", json_schema_extra={"contentEncoding": "base64"})
    media_type: str
    width: int
    height: int
    found_person: bool
    confidence: float = Field(ge=0, le=1)
    box: tuple[int, int, int, int] | None = Field(description="Top, left, bottom, right in the result; half-open.")
    scale: float = Field(description="Pixels of the result for one of the photograph.")
    note: str | None = Field(description="What else the file held that is not in the result.")
    model: str
    seconds: dict[str, float]


class Health(BaseModel):
    """Whether the server is alive, or ready."""

    status: str
