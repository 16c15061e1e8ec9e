"""Networks of their own for operator and instances, with links that can be cut, as root on Linux.

Neither end has a default route, and a link is cut on the instance's side: packets vanish, and nobody is told.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

IP = shutil.which("ip", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def why_not() -> str | None:
    """Return why there can be no namespaces here; None where there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    return None if IP else "iproute2 is not installed"


@dataclass(frozen=True)
class Link:
    """An instance's namespace, its address, and the cable from there to the operator's."""

    namespace: str
    interface: str
    address: str

    @property
    def launcher(self) -> tuple[str, ...]:
        """The command that runs another one there."""
        return inside(self.namespace)

    def cut(self) -> None:
        """Let nothing pass any more."""
        _ip("-n", self.namespace, "link", "set", self.interface, "down")

    def mend(self) -> None:
        """Let everything pass again."""
        _ip("-n", self.namespace, "link", "set", self.interface, "up")


@contextmanager
def network(links: int) -> Iterator[tuple[str, list[Link]]]:
    """Make an operator's namespace and as many instances' with a link each; yield its name and the links."""
    operator = f"velora-{os.getpid()}-operator"
    with ExitStack() as stack:
        stack.enter_context(_namespace(operator))
        yield operator, [stack.enter_context(_link(operator, number)) for number in range(links)]


def inside(namespace: str) -> tuple[str, ...]:
    """Return the command that runs another one in `namespace`."""
    assert IP
    return (IP, "netns", "exec", namespace)


@contextmanager
def _link(operator: str, number: int) -> Iterator[Link]:
    here, there = f"vo{os.getpid()}.{number}", f"vi{os.getpid()}.{number}"
    link = Link(f"velora-{os.getpid()}-{number}", there, f"10.99.{number}.2")
    with _namespace(link.namespace):
        _ip("link", "add", here, "netns", operator, "type", "veth", "peer", "name", there, "netns", link.namespace)
        _ip("-n", operator, "addr", "add", f"10.99.{number}.1/24", "dev", here)
        _ip("-n", link.namespace, "addr", "add", f"{link.address}/24", "dev", there)
        _ip("-n", operator, "link", "set", here, "up")
        link.mend()
        yield link


@contextmanager
def _namespace(name: str) -> Iterator[None]:
    _ip("netns", "add", name)
    try:
        _ip("-n", name, "link", "set", "lo", "up")
        yield
    finally:
        _ip("netns", "delete", name)  # its interfaces, and the other ends of its cables, go with it


def _ip(*arguments: str) -> None:
    assert IP
    subprocess.run([IP, *arguments], check=True, timeout=20, capture_output=True)
