"""ed25519 key pairs in OpenSSH's file format (written with `cryptography`: importing an SSH library takes longer)."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


def public_key(path: Path) -> str:
    """Return the public line of the private key at `path`, which is made (mode 0600) where it does not exist."""
    public = path.with_suffix(".pub")
    if not public.is_file():
        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(private)
        line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        public.write_bytes(line + b"\n")
    return public.read_text(encoding="ascii").strip()
