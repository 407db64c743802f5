"""Logs: one line a request, in JSON or for eyes, on standard error. No bytes of an image, no file name, no key."""

import logging
import sys

import structlog

from cutaway.web.settings import Settings


def configure(settings: Settings) -> None:
    """Set structlog up for this process."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    for_eyes = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            for_eyes if settings.log_format == "console" else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
