"""What an operator may set, by flags of ``cutaway serve`` or environment variables ``CUTAWAY_...``."""

import ipaddress
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from limits import parse_many as parse_rates
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, CliApp, NoDecode, SettingsConfigDict, SettingsError

from cutaway.errors import OptionError
from cutaway.filekind import KINDS
from cutaway.weights import DEFAULT, find

ENVIRONMENT = "CUTAWAY_"
HASHED = "sha256:"
"""What an API key begins with that is given as the hexadecimal SHA-256 of itself."""

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


Refine: TypeAlias = Literal["none", "guided", "closed-form"]


def _listed(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _hashed(key: str) -> str:
    """Return ``key`` as it is kept: nobody who reads the server's memory or environment learns a hashed one."""
    if not key.startswith(HASHED):
        if not key.isascii():  # a browser sends other letters otherwise than a terminal, or not at all
            raise ValueError("a key has to be of ASCII characters alone")
        return sha256(key.encode()).hexdigest()
    digest = key.removeprefix(HASHED).lower()
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise ValueError(f"behind {HASHED} there have to be the 64 hexadecimal digits of a key's SHA-256")
    return digest


def _checked_rate(text: str) -> str:
    rates = parse_rates(text)  # raises ValueError, which pydantic reports
    if len(rates) != 1 or not rates[0].amount:
        raise ValueError(f"{text} is not one limit above zero, as 60/minute is")
    return text


def _checked_network(text: str) -> str:
    ipaddress.ip_network(text)  # raises ValueError
    return text


def _host_name(text: str) -> str:
    """Return a host name or address as browsers write it: in lower case, and IPv6 in brackets."""
    name = text.lower().removesuffix(".")
    try:
        address = ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        if not re.fullmatch("[a-z0-9._-]+", name):
            raise ValueError(f"{text} is no host name; leave scheme, port and path away") from None
        return name
    return str(address) if address.version == 4 else f"[{address}]"


def _checked_kind(name: str) -> str:
    if name.upper() not in KINDS:
        raise ValueError(f"{name} is no kind of photograph; choose among {', '.join(KINDS).lower()}")
    return name.upper()


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
Keys = Annotated[tuple[Annotated[str, AfterValidator(_hashed)], ...], NoDecode, BeforeValidator(_listed)]
Hosts = Annotated[tuple[Annotated[str, AfterValidator(_host_name)], ...], NoDecode, BeforeValidator(_listed)]
Networks = Annotated[tuple[Annotated[str, AfterValidator(_checked_network)], ...], NoDecode, BeforeValidator(_listed)]
Kinds = Annotated[tuple[Annotated[str, AfterValidator(_checked_kind)], ...], NoDecode, BeforeValidator(_listed)]
Refinements = Annotated[tuple[Refine, ...], NoDecode, BeforeValidator(_listed)]
Rate = Annotated[str, AfterValidator(_checked_rate)]


@dataclass(frozen=True)
class Pace:
    """How fast a client has to send and take: ``seconds`` for whatever size, and one more for each ``rate`` bytes."""

    seconds: float
    rate: int


class Settings(BaseSettings):
    """Everything that can be set. Lists are written with commas."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT,
        frozen=True,
        cli_prog_name="cutaway serve",
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
    )

    host: str = Field(
        default="127.0.0.1", description="Address to listen on; one beyond this machine needs an API key."
    )
    port: int = Field(default=7000, ge=0, le=65535, description="Port to listen on.")
    runner: Literal["granian", "uvicorn"] = Field(
        default="granian", description="HTTP server; uvicorn has to stand behind a proxy that cuts slow clients off."
    )
    insecure: bool = Field(default=False, description="Listen beyond this machine without an API key.")
    tls_certificate: Path | None = Field(
        default=None, description="PEM file, for HTTPS; the camera needs it beyond localhost."
    )
    tls_key: Path | None = Field(default=None, description="PEM file of the certificate's private key.")

    api_keys: Keys = Field(default=(), description=f"Keys that clients have to send, in plain or as {HASHED}HEX.")
    allowed_hosts: Hosts = Field(
        default=(), description="Host names that requests may be for; else localhost alone, or any."
    )
    trusted_proxies: Networks = Field(
        default=(), description="Addresses or networks whose X-Forwarded-For is believed."
    )
    rate_limit: Rate | None = Field(
        default=None, description="Cut-outs for each key or address, as 60/minute; else no limit."
    )

    models: Names = Field(
        default=(DEFAULT,),
        min_length=1,
        description="Names of installed models, or .onnx files; the first is the default.",
    )
    refine: Refinements = Field(
        default=("guided", "none"),
        min_length=1,
        description="Refinements that may be asked for, the first if none is; closed-form takes a minute to load.",
    )
    kinds: Kinds = Field(
        default=("JPEG", "PNG", "WEBP", "AVIF", "HEIC"),
        min_length=1,
        description="Accepted files; also tiff, bmp, gif.",
    )
    max_bytes: PositiveInt = Field(default=25_000_000, description="Bytes of a photograph.")
    max_pixels: PositiveInt = Field(default=50_000_000, description="Pixels of a photograph.")
    max_side: PositiveInt = Field(default=12_000, description="Pixels along a side of a photograph.")

    workers: PositiveInt = Field(
        default=os.cpu_count() or 1, description="Processes that cut out, one photograph at a time."
    )
    threads: PositiveInt = Field(default=1, description="Threads of the network in each of them.")
    memory: PositiveInt = Field(default=2_000, description="MB that one of them may take.")
    recycle: PositiveInt = Field(default=1_000, description="Photographs after which one is replaced by a new one.")
    queue: PositiveInt = Field(default=8, description="Photographs that may wait; beyond them the answer is 503.")
    deadline: PositiveFloat = Field(
        default=30.0, description="Seconds in which a photograph has to be done, waiting included."
    )
    drain: PositiveFloat = Field(
        default=20.0, description="Seconds that begun work gets when the server is told to stop."
    )

    header_seconds: PositiveFloat = Field(
        default=5.0, description="Seconds in which a request's headers have to arrive."
    )
    upload_seconds: PositiveFloat = Field(
        default=10.0, description="Seconds that an upload may take whatever its size."
    )
    upload_rate: PositiveInt = Field(
        default=50_000, description="Bytes a second that an upload has to keep up beyond those."
    )
    upload_memory: PositiveInt = Field(default=500, description="MB of uploads that are held at once; beyond, 503.")

    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="What is logged.")
    log_format: Literal["json", "console"] = Field(default="json", description="How it is logged, on standard error.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not (self.is_local or self.api_keys or self.insecure):
            reason = "it can be reached from other machines: set api-keys, or say insecure to let everybody in"
            raise PydanticCustomError("host", reason)
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise PydanticCustomError("tls-key", "certificate and key go together; name both or neither")
        if self.max_bytes >= self.upload_memory * 1_000_000:
            raise PydanticCustomError("max-bytes", "so large a photograph does not fit into upload-memory; lower this")
        return self

    @property
    def url(self) -> str:
        """Where the page is."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls_key else 'http'}://{host}:{self.port}/"

    @property
    def model_files(self) -> dict[str, str]:
        """The file of each model by its name, which for a file is what stands before .onnx."""
        return {Path(model).stem: str(find(model)) for model in self.models}

    @property
    def pace(self) -> Pace:
        """How fast a client has to send its photograph, and to take its answer."""
        return Pace(self.upload_seconds, self.upload_rate)

    @property
    def accepted(self) -> tuple[str, ...]:
        """The kinds of file that are accepted and can be read here: HEIC takes an extra."""
        return tuple(kind for kind in self.kinds if kind != "HEIC" or find_spec("pi_heif"))

    @property
    def is_local(self) -> bool:
        """Whether this machine alone can reach the server."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host names that requests may be for, none = any. On loopback others are names that a page had rebound."""
        return self.allowed_hosts or ((*LOOPBACK_NAMES, _host_name(self.host)) if self.is_local else ())


def parse_arguments(arguments: Sequence[str]) -> Settings:
    """Return the settings that ``cutaway serve`` is called with, and the environment where they are silent.

    Leaves by ``SystemExit`` after ``--help`` and for a flag that does not exist.

    Raises:
        OptionError: A value makes no sense.
    """
    try:
        return CliApp.run(Settings, list(arguments))
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]) if first["loc"] else first["type"]
        raise OptionError(option.replace("_", "-"), f"{first['msg'].removeprefix('Value error, ')}.") from error
    except SettingsError as error:
        raise OptionError("settings", f"{error}.") from error
