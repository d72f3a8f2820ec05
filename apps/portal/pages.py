"""What people see: a page for a browser that navigates, JSON for scripts and other programs."""

from __future__ import annotations

from typing import Final

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, PackageLoader, select_autoescape

WORDS: Final = {
    "received": "received – keep the paper",
    "archived": "archived",
    "refused": "refused – keep the paper",
    "duplicate": "we had this one already",
}
"""An upload's states, as its sender reads them."""

_templates = Environment(loader=PackageLoader("apps.portal"), autoescape=select_autoescape(default=True))


def page(template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """One of our pages, with untrusted text shown as text."""
    return HTMLResponse(_templates.get_template(template).render(values), status_code=status)


def problem(request: Request, status: int, code: str, advice: str, headers: dict[str, str] | None = None) -> Response:
    """What went wrong, as whoever asked can read it: a stable code, and what to do."""
    if wants_page(request):
        return page("problem.html", status=status, code=code, advice=advice)
    return JSONResponse({"code": code, "advice": advice}, status_code=status, headers=headers)


def wants_page(request: Request) -> bool:
    """A browser that navigates asks for HTML; scripts and other programs get JSON."""
    return "text/html" in request.headers.get("accept", "")
