"""Errors as problem details (RFC 9457): status, what was wrong, and what to do."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request  # noqa: TID253
from fastapi.exceptions import RequestValidationError  # noqa: TID253
from fastapi.responses import JSONResponse  # noqa: TID253
from starlette.exceptions import HTTPException

from autolabel_core.foundation.errors import (
    AutolabelError,
    DeclarationError,
    NotFoundError,
    StoreUnavailableError,
    UnreadableItemError,
)

MEDIA_TYPE = "application/problem+json"
STATUS_OF: tuple[tuple[type[AutolabelError], HTTPStatus], ...] = (
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (StoreUnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (DeclarationError, HTTPStatus.CONFLICT),
    (UnreadableItemError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (AutolabelError, HTTPStatus.UNPROCESSABLE_ENTITY),
)


def problem(status: HTTPStatus, detail: str) -> JSONResponse:
    """Return the answer to a request that cannot be met.

    Args:
        status: of HTTP.
        detail: what was expected and found, and the cure.

    Returns:
        Problem details.
    """
    body = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    return JSONResponse(body, status, media_type=MEDIA_TYPE)


def answer_with_problems(app: FastAPI) -> None:
    """Let an application answer every error with problem details."""
    app.add_exception_handler(AutolabelError, _of_the_domain)
    app.add_exception_handler(RequestValidationError, _of_the_request)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(OSError, _of_the_machine)
    app.add_exception_handler(UnicodeEncodeError, _of_half_a_character)


async def _of_the_domain(_request: Request, error: Exception) -> JSONResponse:
    status = next(status for kind, status in STATUS_OF if isinstance(error, kind))
    return problem(status, str(error))


async def _of_the_request(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    said = [f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors()[:20]]
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(said))


async def _of_http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem(HTTPStatus(error.status_code), str(error.detail))


async def _of_half_a_character(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, UnicodeEncodeError)
    found = ord(error.object[error.start])
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"Expected whole characters, found half of one (U+{found:04X}) in what was sent.",
    )


async def _of_the_machine(_request: Request, error: Exception) -> JSONResponse:
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, f"The machine refused: {error}")
