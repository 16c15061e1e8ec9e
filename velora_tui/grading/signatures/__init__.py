"""The table of known failures: what a line says, what it means, what to do. A new one is one new row of its theme."""

from __future__ import annotations

from velora_tui.grading.signatures import docker, harness, image, llm, machine, tests_output
from velora_tui.grading.signatures.signature import Signature, Source

# In order of precedence: a cause stands before what it brings about.
SIGNATURES: tuple[Signature, ...] = (
    *harness.SCRIPT,
    *machine.STORAGE,
    *docker.REGISTRY,
    *docker.DAEMON,
    *harness.PYTHON,
    *machine.NETWORK,
    *image.AWS,
    *image.ARCHIVE,
    *harness.CONFIGURATION,
    *docker.CONTAINERS,
    *machine.REMOTE,
    *llm.LLM,
    *llm.OWN,
    *harness.EVALUATION,
    *harness.REPOSITORY,
    *docker.RUNTIME,
    *machine.MEMORY,
    *harness.GENERAL,
    *tests_output.TESTS,
)

_BY_ID = {signature.id: signature for signature in SIGNATURES}


def signature_of(id: str) -> Signature | None:
    """Return the signature with this id; None for a failure that no line tells."""
    return _BY_ID.get(id)


__all__ = ["SIGNATURES", "Signature", "Source", "signature_of"]
