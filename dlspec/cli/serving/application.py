"""The web application: typed requests, limits, health and measures; the documents of its interface follow from both."""

import time
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from pydantic import BaseModel, ConfigDict, Field, create_model
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dlspec import __version__
from dlspec.cli.serving.columns import RowColumn
from dlspec.cli.serving.page import page
from dlspec.cli.serving.service import Service
from dlspec.core.errors import Diagnostic, Problem, SpecError

_TYPES: dict[str, Any] = {
    "number": float,
    "whole number": int,
    "truth value": bool,
    "text": str,
    "array": list[Any],
    "file": str,
}
# Errors that an answer names.
_SHOWN = 20
# Upper edges of the buckets in which the seconds of an answer are counted.
_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Error(BaseModel):
    """Something that is wrong with a request."""

    message: str
    at: str | None = Field(None, description="The value: `rows.0.area` is that of `area` in the first row.")
    code: str | None = Field(None, description="`dlspec explain CODE` tells more.")
    help: str | None = None


class Errors(BaseModel):
    """All that was found wrong with a request."""

    errors: list[Error]


def application(service: Service, *, most_rows: int, most_bytes: int) -> FastAPI:
    """The web application of a run.

    Args:
        service: What answers.
        most_rows: Rows that a request may hold.
        most_bytes: Bytes that its body may have.
    """
    app = FastAPI(
        title=service.name,
        summary=f"Answers of run {service.run}",
        version=__version__,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
    )
    measures = _Measures()
    app.add_middleware(_Limited, most_bytes=most_bytes, refused=measures.refused)
    _add_errors(app, measures)
    row: Any = _row(service.columns)
    body = create_model("Request", rows=(list[row], Field(min_length=1, max_length=most_rows)))
    answers = create_model("Response", rows=(list[dict[str, Any]], Field(description=_described(service.targets))))

    def predict(request: Any) -> Any:
        start = time.perf_counter()
        rows = [row.model_dump(by_alias=True) for row in request.rows]
        answered = service.answers(rows)
        measures.answered(len(rows), time.perf_counter() - start)
        return {"rows": answered}

    predict.__annotations__ = {"request": body, "return": answers}
    refusals: dict[int | str, dict[str, Any]] = {422: {"model": Errors}, 413: {"model": Errors}}
    app.add_api_route("/predict", predict, methods=["POST"], summary="Answers for rows", responses=refusals)

    def health() -> dict[str, str]:
        return {"status": "ready", "name": service.name, "run": service.run}

    app.add_api_route("/health", health, methods=["GET"], summary="Whether it answers")
    app.add_api_route(
        "/metrics", measures.text, methods=["GET"], response_class=PlainTextResponse, summary="Counts, for Prometheus"
    )
    shown, nonce_headers = page(service)
    app.add_api_route(
        "/", lambda: HTMLResponse(shown, headers=nonce_headers), methods=["GET"], include_in_schema=False,
        response_model=None,
    )  # fmt: skip
    return app


class _Measures:
    """What Prometheus reads."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "dlspec_requests", "Requests for answers by outcome.", ["outcome"], registry=self._registry
        )
        self._rows = Counter("dlspec_rows", "Rows that were answered.", registry=self._registry)
        self._seconds = Histogram(
            "dlspec_answer_seconds",
            "Seconds of a request that was answered.",
            registry=self._registry,
            buckets=_SECONDS,
        )

    def answered(self, rows: int, seconds: float) -> None:
        """Counts a request with so many rows that took so many seconds."""
        self._requests.labels("answered").inc()
        self._rows.inc(rows)
        self._seconds.observe(seconds)

    def refused(self) -> None:
        """Counts a request that was not answered."""
        self._requests.labels("refused").inc()

    def text(self) -> PlainTextResponse:
        """All counts in Prometheus's own form."""
        return PlainTextResponse(generate_latest(self._registry).decode())


def _row(columns: list[RowColumn]) -> Any:
    """The type of a row. Fields have names of their own, since columns may be called like nothing in Python."""
    fields: dict[str, Any] = {}
    for number, column in enumerate(columns):
        kind = _TYPES[column.kind]
        sizes = " × ".join("any" if size is None else str(size) for size in column.shape)
        text = {"array": f"Numbers of shape {sizes}.", "file": "A file in base 64."}.get(column.kind)
        fields[f"column_{number}"] = Annotated[
            kind | None if column.optional else kind,
            Field(None if column.optional else ..., alias=column.name, description=text),
        ]
    return create_model("Row", __config__=ConfigDict(strict=True, extra="forbid", allow_inf_nan=False), **fields)


def _described(targets: list[str]) -> str:
    return "An object for each row: " + ", ".join(f"`{name}`" for name in targets)


def _add_errors(app: FastAPI, measures: _Measures) -> None:
    """What is wrong with a request is answered by :class:`Errors`."""

    def wrong_form(_request: Request, error: Exception) -> JSONResponse:
        measures.refused()
        items = error.errors() if isinstance(error, RequestValidationError) else []
        return _errors(422, [_of_form(item) for item in items[:_SHOWN]])

    def wrong_values(_request: Request, error: Exception) -> JSONResponse:
        measures.refused()
        if isinstance(error, SpecError):
            return _errors(422, [_of(item) for item in error.diagnostics])
        return _errors(422, [_of(error.at(None))] if isinstance(error, Problem) else [])

    def wrong_address(_request: Request, error: Exception) -> JSONResponse:
        status, detail = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "")
        return _errors(status, [{"message": detail}])

    app.add_exception_handler(HTTPException, wrong_address)
    app.add_exception_handler(RequestValidationError, wrong_form)
    app.add_exception_handler(SpecError, wrong_values)
    app.add_exception_handler(Problem, wrong_values)


def _of_form(item: Any) -> dict[str, Any]:
    path = ".".join(map(str, item["loc"][1:]))
    if item["type"] == "json_invalid":
        return {"message": f"the body is no JSON: {item.get('ctx', {}).get('error', '')}"}
    if item["type"] == "extra_forbidden":
        return {"at": path, "message": "the model takes no such column"}
    return {**({"at": path} if path else {}), "message": str(item["msg"])}


def _of(item: Diagnostic) -> dict[str, Any]:
    message = "; ".join([item.message, *(note.message for note in item.notes)])
    return {"code": item.code, "message": message, **({"help": item.help} if item.help else {})}


def _errors(status: int, errors: list[dict[str, Any]]) -> JSONResponse:
    return JSONResponse({"errors": errors}, status)


class _Limited:
    """Refuses bodies that are too long, whether their length is said before or not."""

    def __init__(self, app: ASGIApp, most_bytes: int, refused: Callable[[], None]) -> None:
        self._app, self._most, self._refused = app, most_bytes, refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if int(said) > self._most:
            await self._refuse(scope, receive, send)
            return
        body = bytearray()
        more = scope["method"] in ("POST", "PUT", "PATCH")
        while more:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self._most:
                await self._refuse(scope, receive, send)
                return
            more = message["type"] == "http.request" and message.get("more_body", False)
        read = False

        async def again() -> Message:
            nonlocal read
            if read or scope["method"] == "GET":
                return await receive()
            read = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self._app(scope, again, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._refused()
        message = f"the request is longer than {self._most:,} bytes; send fewer rows at a time"
        await _errors(413, [{"message": message}])(scope, receive, send)
