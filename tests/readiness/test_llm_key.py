"""The LLM keys of config.toml, asked of a provider over HTTP."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.readiness.conftest import Machine

pytestmark = pytest.mark.sshd


class Provider(BaseHTTPRequestHandler):
    """Takes one key, and sends whoever asks at /moved away."""

    def do_GET(self) -> None:
        moved = self.path.startswith("/moved")
        good = self.headers["Authorization"] == "Bearer good-key" and self.path == "/v1/models"
        self.send_response(302 if moved else 200 if good else 401)
        if moved:
            self.send_header("Location", "/v1/models")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("gpt", "claude", "status", "says"),
    [
        ("good-key", "good-key", "ok", "2/2 keys are taken"),
        ("good-key", "old-key", "fail", "the key of llm.claude is refused (status 401)"),
        ("good-key", "", "warn", "llm.claude has no api_key"),
    ],
)
async def test_each_models_key_is_asked_of_its_provider(
    machine: Machine, address: str, gpt: str, claude: str, status: str, says: str
) -> None:
    machine.stub("poetry", f'shift 2; exec {sys.executable} "$@"')
    machine.put(
        "config.toml",
        f'[llm]\nbase_url = "{address}/v1"\n[llm.gpt]\napi_key = "{gpt}"\n["llm.claude"]\nbase_url = "{address}/v1"\n'
        f'api_key = "{claude}"\n',
    )
    result = (await machine.ask("llm-key"))["llm-key"]
    assert (result.status, result.blocking, result.repair) == (status, False, None), result
    assert says in result.detail
    assert "-key" not in result.output.replace("no-key", ""), "a key is nobody's to read"


async def test_a_key_goes_nowhere_else(machine: Machine, address: str) -> None:
    machine.stub("poetry", f'shift 2; exec {sys.executable} "$@"')
    machine.put("config.toml", f'[llm]\napi_key = "good-key"\nbase_url = "{address}/moved"\n[llm.gpt]\n[llm.claude]\n')
    result = (await machine.ask("llm-key"))["llm-key"]
    assert (result.status, "302" in result.detail) == ("unknown", True), result
