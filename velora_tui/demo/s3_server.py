"""A real S3 endpoint (moto's server) that holds the task images, with a bandwidth and one fault.

Run as `python -m velora_tui.demo.s3_server`: prints one line `{"port": N}` as soon as its socket accepts connections,
reads its configuration as one JSON line on standard input, uploads the images to itself over HTTP, and ends when
standard input does. Requests that come before the images lie ready wait for them.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from queue import Queue
from typing import Any, Protocol

from velora_tui.demo.server_config import ACCESS_KEY_ID, LOOPBACK, REGION, SECRET_ACCESS_KEY, Shelf

BACKLOG = 128
CHUNK_BYTES = 64 * 1024
FILLING_SECONDS = 60.0

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class Overload:
    """WSGI middleware: downloads of one object are answered 503 SlowDown for as long as they use the first URL seen.

    Retries of the same presigned URL fail, so the download fails; a later attempt signs a new URL and succeeds.
    """

    def __init__(self, application: Application, path: str) -> None:
        self._application = application
        self._path = path
        self._first_signature: str | None = None

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "GET" and environ["PATH_INFO"] == self._path and self._is_first(environ):
            start_response("503 Slow Down", [("Content-Type", "application/xml"), ("Retry-After", "1")])
            return [b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"]
        return self._application(environ, start_response)

    def _is_first(self, environ: Environ) -> bool:
        signature = environ.get("QUERY_STRING") or environ.get("HTTP_AUTHORIZATION", "")
        if self._first_signature is None:
            self._first_signature = signature
        return bool(signature == self._first_signature)


class Throttle:
    """WSGI middleware: the body of every GET is sent at no more than `bytes_per_second`."""

    def __init__(self, application: Application, bytes_per_second: float) -> None:
        self._application = application
        self._bytes_per_second = bytes_per_second

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        body = self._application(environ, start_response)
        return self._paced(body) if environ["REQUEST_METHOD"] == "GET" else body

    def _paced(self, body: Iterable[bytes]) -> Iterator[bytes]:
        started, sent = time.monotonic(), 0
        for part in body:
            for offset in range(0, len(part), CHUNK_BYTES):
                chunk = part[offset : offset + CHUNK_BYTES]
                yield chunk
                sent += len(chunk)
                ahead_seconds = sent / self._bytes_per_second - (time.monotonic() - started)
                if ahead_seconds > 0:
                    time.sleep(ahead_seconds)


class Gate:
    """WSGI middleware: requests that read wait until the shelf is filled; 503 if that takes too long."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self.filled = threading.Event()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] in {"GET", "HEAD"} and not self.filled.wait(FILLING_SECONDS):
            start_response("503 Service Unavailable", [("Content-Type", "text/plain")])
            return [b"the images are not there yet"]
        return self._application(environ, start_response)


class Server(Protocol):
    """What is used of werkzeug's server."""

    def serve_forever(self) -> None: ...


def bind() -> socket.socket:
    """Return a listening socket on a free loopback port; connections queue in it until the server runs."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK, 0))
    listener.listen(BACKLOG)
    return listener


def import_moto() -> None:
    """Load what takes more than a second to load, before anybody waits for it."""
    importlib.import_module("moto.moto_server.werkzeug_app")
    importlib.import_module("moto.s3.responses")


def build(listener: socket.socket, shelf: Shelf) -> tuple[Server, Gate]:
    """Return moto's server on `listener`, behind the middlewares, and the gate to open when the shelf is filled."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    path = f"/{shelf.bucket}/{shelf.prefix}/{shelf.overloaded_key}"
    moto = DomainDispatcherApplication(create_backend_app)
    gate = Gate(Overload(Throttle(moto, shelf.bytes_per_second), path))
    port = listener.getsockname()[1]
    server = make_server(LOOPBACK, port, gate, threaded=True, request_handler=MotoRequestHandler, fd=listener.fileno())
    return server, gate


def fill(endpoint_url: str, shelf: Shelf) -> None:
    """Upload the images over HTTP, as anyone would."""
    from botocore.session import Session

    client = Session().create_client(
        "s3",
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
    )
    client.create_bucket(Bucket=shelf.bucket)
    for image in shelf.images:
        client.put_object(Bucket=shelf.bucket, Key=f"{shelf.prefix}/{image.name}", Body=image.read_bytes())


def main() -> None:
    """Run the server process."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # its access log would hold presigned URLs
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C belongs to the parent, which then closes our input
    listener = bind()
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    told: Queue[Shelf] = Queue()
    threading.Thread(target=_listen_to_parent, args=(told,)).start()
    import_moto()
    shelf = told.get()
    server, gate = build(listener, shelf)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    fill(f"http://{LOOPBACK}:{listener.getsockname()[1]}", shelf)
    gate.filled.set()


def _listen_to_parent(told: Queue[Shelf]) -> None:
    """Pass on the configuration; end the process with standard input, whatever it is doing then."""
    if line := sys.stdin.readline():
        told.put(Shelf.from_json(line))
        sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
