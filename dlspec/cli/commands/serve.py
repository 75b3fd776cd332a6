"""``dlspec serve``."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

import click

from dlspec.cli.helping import helped
from dlspec.cli.output import code_allowed, code_option, print_text, say
from dlspec.cli.runs import reported, run_argument, runs_option

# Requests that wait at a time; further ones are told to come again.
_WAITING = 100


@helped(
    "Use a model",
    "Answer over HTTP",
    """
    dlspec serve houses
    dlspec serve houses --port 9000 --most-rows 100
    dlspec serve houses --host 0.0.0.0 # for other machines
    """,
)
@run_argument()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; 0.0.0.0 for all.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port; 0 takes one that is free."
)
@click.option(
    "--most-rows", type=click.IntRange(1), default=1000, show_default=True, help="Rows that a request may hold."
)
@click.option(
    "--most-bytes", type=click.IntRange(1), default=10_000_000, show_default=True, help="Bytes that it may have."
)
@runs_option
@code_option
@reported
def command(run: str, host: str, port: int, most_rows: int, most_bytes: int, runs: Path) -> None:
    """Serve the model of RUN (a folder, an id, a name, or `latest`) over HTTP until Ctrl-C.

    `POST /predict` answers rows with raw values by the names of their columns, as `dlspec predict` answers a file. A
    page to try it is at `/`, the interface in `/openapi.json`, `/health` and `/metrics` are for who watches it. It
    asks nobody who they are: other machines should reach it through a proxy that does.
    """
    try:
        import uvicorn

        from dlspec.cli.serving.application import application
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("fastapi", "uvicorn", "prometheus_client", "pydantic", "starlette"):
            raise
        message = "`dlspec serve` needs FastAPI, uvicorn and prometheus-client: pip install 'dlspec[serve]'"
        raise click.ClickException(message) from error
    from dlspec.cli.serving.service import Service
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import find_run

    saved = open_run(find_run(run, runs), allow_code=code_allowed())
    listening = _bound(host, port)
    from dlspec.backends.keras import starting

    say("starting TensorFlow …")
    starting.start()
    service = Service(saved)
    service.warm_up()
    app = application(service, most_rows=most_rows, most_bytes=most_bytes)
    config = uvicorn.Config(app, log_level="warning", access_log=False, limit_concurrency=_WAITING)
    listening.listen(_WAITING)  # whoever reads the line may ask at once
    shown = f"[{host}]" if ":" in host else host
    print_text(f"serving {service.name} at http://{shown}:{listening.getsockname()[1]}/ (Ctrl-C ends it)")
    with suppress(KeyboardInterrupt):  # how it is meant to end: requests that had come are answered
        uvicorn.Server(config).run(sockets=[listening])


def _bound(host: str, port: int) -> socket.socket:
    """A socket at an address, before anything slow begins."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        message = f"cannot listen at {host}, port {port}: {error.strerror or error}; `--port` takes another one"
        raise click.ClickException(message) from error
    return listening
