"""Archives from machines that are not trusted."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from velora_tui.errors import CommandFailed
from velora_tui.hosts.archive import Puller, relative_path, unpack


class Canned:
    """A process that prints given bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    async def read(self, limit: int = 65536) -> bytes:
        return self._data.read(limit)


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """Return a gzipped tar of `members`."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=tarfile.GNU_FORMAT) as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    """Return a header."""
    header = tarfile.TarInfo(name)
    header.type, header.linkname = kind, target
    return header


async def unpacked(data: bytes, folder: Path, sizes: dict[str, int]) -> dict[str, str]:
    """Unpack `data` into `folder`."""
    puller = Puller(Canned(data), gzipped=True)  # type: ignore[arg-type]
    return await puller.feed(lambda stream: unpack(stream, folder, sizes, lambda _: None))


async def test_plain_files_are_unpacked_with_their_checksums(tmp_path: Path) -> None:
    data = archive((member("./sub", tarfile.DIRTYPE), b""), (member("./sub/a"), b"hello"))
    digests = await unpacked(data, tmp_path, {"sub/a": 5})
    assert (tmp_path / "sub" / "a").read_bytes() == b"hello"
    assert digests == {"sub/a": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}


@pytest.mark.parametrize(
    "bad",
    [
        member("../evil"),
        member("/tmp/evil"),
        member("a/../../evil"),
        member("not-asked-for"),
        member("a", tarfile.SYMTYPE, "/etc/passwd"),
        member("a", tarfile.LNKTYPE, "b"),
        member("a", tarfile.CHRTYPE),
        member("a", tarfile.BLKTYPE),
        member("a", tarfile.FIFOTYPE),
        member("a", tarfile.GNUTYPE_SPARSE),
        member("a", tarfile.CONTTYPE),
        member("a" * 300, tarfile.SYMTYPE, "/" + "b" * 300),
    ],
    ids=lambda bad: f"{bad.name[:20]}-{bad.type.decode()}",
)
async def test_anything_else_is_refused(tmp_path: Path, bad: tarfile.TarInfo) -> None:
    folder = tmp_path / "in" / "side"
    folder.mkdir(parents=True)
    with pytest.raises(CommandFailed, match="damaged or unsafe"):
        await unpacked(archive((bad, b"")), folder, {"a": 10, "b": 10})
    assert not list(folder.iterdir())
    assert [entry.name for entry in (tmp_path / "in").rglob("*")] == ["side"]


async def test_a_member_larger_than_announced_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="not the size"):
        await unpacked(archive((member("a"), bytes(11))), tmp_path, {"a": 10})


async def test_a_header_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    header = member("././@LongLink", tarfile.GNUTYPE_LONGNAME)
    header.size = 8 * 1024**3
    with pytest.raises(CommandFailed, match="header of 8589934592 bytes"):
        await unpacked(gzip.compress(header.tobuf(tarfile.GNU_FORMAT)), tmp_path, {"a": 1})


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.85])
async def test_a_stream_that_ends_early_leaves_no_half_file(tmp_path: Path, cut: float) -> None:
    data = gzip.compress(gzip.decompress(archive((member("a"), bytes(range(256)) * 400))), 0)
    with pytest.raises(CommandFailed, match="damaged"):
        await unpacked(data[: int(len(data) * cut)], tmp_path, {"a": 102_400})
    assert not (tmp_path / "a").exists()


async def test_rubbish_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="damaged"):
        await unpacked(b"<html>not found</html>", tmp_path, {"a": 1})


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "..", ".", "", "a\0", "a\\..\\b"])
def test_names_that_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="does not stay inside"):
        relative_path(name)
