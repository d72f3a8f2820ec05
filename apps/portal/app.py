"""The portal's pages and its interface for other devices."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from fastapi import Depends, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from apps.portal.access import COOKIE, LOOPBACK, SESSION_S, Door, Forbidden, refuse_other_sites
from apps.portal.pages import WORDS, page, problem, wants_page
from apps.portal.receiving import receive
from connectors.source.mobile import Inbox, KeyReused

_HERE = Path(__file__).parent
_AT_ONCE = 4
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with it browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def create_app(
    inbox: Inbox,
    *,
    limit_size_bytes: int,
    token: str | None,
    hosts: Sequence[str] = LOOPBACK,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> FastAPI:
    """The portal as an ASGI application.

    Args:
        inbox: Where uploads are kept until they are archived.
        limit_size_bytes: The largest file that is accepted.
        token: The shared secret of everyone who may upload; `None` only where nobody else can reach it.
        hosts: Host names that requests may be addressed to.
        clock: Gives the time, UTC-aware.
    """
    app = FastAPI(title="Probant portal", docs_url=None, redoc_url=None, openapi_url=None)
    door = Door(token)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    _add_common_answers(app)
    _add_sign_in(app, door)
    _add_uploads(app, inbox, door, limit_size_bytes, clock)
    return app


def _add_common_answers(app: FastAPI) -> None:
    @app.middleware("http")
    async def protect(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.exception_handler(Forbidden)
    async def forbidden(request: Request, fault: Forbidden) -> Response:
        if fault.status == 401 and wants_page(request):
            return page("sign-in.html", status=401, advice=fault.advice)
        headers = {"WWW-Authenticate": "Bearer"} if fault.status == 401 else None
        return problem(request, fault.status, fault.code, fault.advice, headers)

    @app.exception_handler(HTTPException)
    async def not_served(request: Request, fault: HTTPException) -> Response:
        code = "NO_SUCH_PAGE" if fault.status_code == 404 else "NOT_SERVED"
        return problem(request, fault.status_code, code, "There is nothing here. Please go to the upload page.")

    @app.exception_handler(Exception)
    async def broken(request: Request, _: Exception) -> Response:
        advice = "Something broke on our side. If you were sending a file, please send it again later."
        return problem(request, 500, "FAULT", advice)

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}


def _add_sign_in(app: FastAPI, door: Door) -> None:
    @app.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        refuse_other_sites(request)
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            raise Forbidden(415, "NOT_A_FORM", "Please use the sign-in page.")
        form = await request.form(max_files=0, max_fields=1, max_part_size=1024)
        if not door.is_token(str(form.get("token", "")).strip()):
            return page("sign-in.html", status=401, advice="That is not the upload token. Please try again.")
        response = RedirectResponse("/", status_code=303)
        is_https = request.url.scheme == "https"
        response.set_cookie(
            COOKIE, door.new_session(), max_age=SESSION_S, httponly=True, samesite="strict", secure=is_https
        )
        return response

    @app.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        refuse_other_sites(request)
        response = RedirectResponse("/", status_code=303)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return response


def _add_uploads(app: FastAPI, inbox: Inbox, door: Door, limit_size_bytes: int, clock: Callable[[], datetime]) -> None:
    # Each upload is held in memory once while it is kept: this bounds how much that can be.
    at_once = asyncio.Semaphore(_AT_ONCE)
    # Before the body is looked at: nobody else gets to send us one.
    admitted = [Depends(door.admit)]

    @app.get("/", dependencies=admitted)
    async def upload_page() -> Response:
        key = secrets.token_urlsafe(24)
        return page(
            "upload.html",
            limit_size_bytes=limit_size_bytes,
            idempotency_key=key,
            is_guarded=door.is_guarded,
            words=WORDS,
        )

    @app.post("/uploads", dependencies=admitted)
    async def upload(request: Request) -> Response:
        async with at_once:
            received = await receive(request, limit_size_bytes)
            key = request.headers.get("idempotency-key") or received.fields.get("idempotency_key", "")
            if not 16 <= len(key) <= 200:
                raise Forbidden(400, "NO_IDEMPOTENCY_KEY", "Send a random Idempotency-Key of 16 to 200 characters.")
            sender = received.fields.get("sender", "").strip()
            try:
                made = await run_in_threadpool(inbox.deposit, received.content, received.name, sender, key, clock())
            except KeyReused as fault:
                raise Forbidden(422, "IDEMPOTENCY_KEY_REUSED", "That key was used for another file.") from fault
        if wants_page(request):
            return RedirectResponse(f"/uploads/{made.upload}", status_code=303)
        answer = {"upload": made.upload, "sha256": made.sha256, "size_bytes": made.size_bytes}
        return JSONResponse(answer, status_code=201, headers={"Location": f"/uploads/{made.upload}"})

    @app.get("/uploads/{upload_id}", dependencies=admitted)
    async def upload_state(request: Request, upload_id: str) -> Response:
        found = await run_in_threadpool(inbox.find, upload_id)
        if found is None:
            raise Forbidden(404, "NO_SUCH_UPLOAD", "We know no such upload. Please check the link, or send it again.")
        return page("state.html", upload=found, words=WORDS) if wants_page(request) else JSONResponse(asdict(found))
