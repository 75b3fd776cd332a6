"""The page on which the service is tried in a browser."""

from __future__ import annotations

import secrets

from dlspec.cli.serving.service import Service
from dlspec.views.pages.frames import rendered


def page(service: Service) -> tuple[str, dict[str, str]]:
    """The page, and headers that allow its own script and nothing else.

    Args:
        service: What answers.
    """
    nonce = secrets.token_urlsafe(16)
    columns = [{"name": column.name, "kind": column.kind, "optional": column.optional} for column in service.columns]
    text = rendered(
        "serve.html.jinja", name=service.name, run=service.run, columns=columns, targets=service.targets, nonce=nonce
    )
    allowed = f"script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; connect-src 'self'"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return text, {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"}
