"""Structured logs on standard error: JSON in production, for people in development."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from opentelemetry import trace

from ordermesh.runtime.telemetry import described

Entry = MutableMapping[str, Any]


def start_logs(
    service: str, *, environment: str, level: str = "INFO", stream: TextIO | None = None
) -> None:
    """Send the logs of this process, structlog's and the standard library's, to one place.

    Outside of development the arguments of exceptions are left out: they may hold anything.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _Named(service),
        add_trace,
    ]
    target = stream or sys.stderr
    renderers: list[structlog.typing.Processor]
    if environment == "development":
        # Not the one that is chosen where rich is installed: it shows the values of variables.
        renderers = [
            structlog.dev.ConsoleRenderer(
                colors=target.isatty(),
                timestamp_key="time",
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    else:
        renderers = [describe_exception, structlog.processors.JSONRenderer(sort_keys=True)]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    for former in tuple(root.handlers):
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(level)
    # It tells of each of its own parts at every start.
    logging.getLogger("alembic").setLevel(logging.WARNING)


def add_trace(_logger: object, _method: str, entry: Entry) -> Entry:
    """Add the ids of the trace and the span that are under way."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        entry["trace_id"] = trace.format_trace_id(context.trace_id)
        entry["span_id"] = trace.format_span_id(context.span_id)
    return entry


def describe_exception(_logger: object, _method: str, entry: Entry) -> Entry:
    """Replace an exception by its types and frames, without its arguments."""
    given = entry.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        entry["exception"] = described(error)
    return entry


class _Named:
    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, _logger: object, _method: str, entry: Entry) -> Entry:
        entry["service"] = self._service
        return entry
