"""Files and folders on their way to an instance and back."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest

from tests.hosts.conftest import until
from tests.sshd import Sshd
from velora_tui.errors import CommandFailed, ConnectionLost, StoreError, UsageError
from velora_tui.hosts.fetch import FetchLimits, fetch_tree
from velora_tui.hosts.files import read_file, upload, upload_tree
from velora_tui.hosts.host import Host
from velora_tui.hosts.ssh import SshHost

ODD_NAMES = ["it's", 'a "b"', "$HOME", "-rf", "a b;id", "back\\slash", "new\nline", "ü", "*", "~"]


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_a_file_with_any_name_arrives(host: Host, home: Path, name: str) -> None:
    await upload(host, b"one", f"~/deep er/{name}/{name}")
    await upload(host, b"two\0", f"~/deep er/{name}/{name}", mode=0o600)
    file = home / "deep er" / name / name
    assert file.read_bytes() == b"two\0"
    assert file.stat().st_mode & 0o777 == 0o600
    assert await read_file(host, f"~/deep er/{name}/{name}") == b"two\0"
    assert [entry.name for entry in file.parent.iterdir()] == [name]


async def test_a_large_file_is_streamed_from_the_disk(host: Host, home: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(20_000_000))
    await upload(host, source, "big.bin")
    assert (home / "big.bin").read_bytes() == source.read_bytes()


async def test_an_upload_that_cannot_be_kept_leaves_the_old_file(host: Host, home: Path) -> None:
    (home / "folder").write_text("in the way")
    with pytest.raises(CommandFailed, match=r"File exists|Not a directory"):
        await upload(host, b"x", "folder/file")
    (home / "target").mkdir()
    with pytest.raises(CommandFailed, match="target"):
        await upload(host, b"x", "target")
    assert not [entry for entry in home.iterdir() if entry.name.startswith(".upload")]


async def test_a_full_disk_on_the_instance_is_told_so(host: Host) -> None:
    with pytest.raises(CommandFailed) as caught:
        await host.run("cat >/dev/full", stdin=b"x")
    assert "disk is full" in str(caught.value.hint)


async def test_files_that_are_missing_or_too_large_are_not_read(host: Host, home: Path) -> None:
    with pytest.raises(CommandFailed, match="no file"):
        await read_file(host, "~/nowhere")
    (home / "ten").write_bytes(b"0123456789")
    assert await read_file(host, "ten", limit=10) == b"0123456789"
    with pytest.raises(CommandFailed, match="larger than 9 bytes"):
        await read_file(host, "ten", limit=9)


@pytest.mark.parametrize("path", ["", "a\0b"])
async def test_what_is_no_path_is_refused(host: Host, path: str) -> None:
    with pytest.raises(UsageError):
        await read_file(host, path)


async def test_a_folder_is_replaced_as_a_whole(host: Host, home: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "sub" / "empty").mkdir(parents=True)
    (source / "sub" / "run.sh").write_text("echo hi\n")
    (source / "sub" / "run.sh").chmod(0o755)
    (source / "link").symlink_to("/etc/passwd")
    (home / "a b" / "target").mkdir(parents=True)
    (home / "a b" / "target" / "old").touch()
    assert await upload_tree(host, source, "~/a b/target") == 1
    target = home / "a b" / "target"
    assert sorted(path.relative_to(target).as_posix() for path in target.rglob("*")) == [
        "sub",
        "sub/empty",
        "sub/run.sh",
    ]
    assert (target / "sub" / "run.sh").stat().st_mode & 0o111
    assert [entry.name for entry in target.parent.iterdir()] == ["target"]


def make_tree(folder: Path, files: int = 60) -> dict[str, bytes]:
    """Fill `folder` with files of many sizes and names; return their contents by path."""
    chosen = random.Random(1)
    contents = {f"sub {n % 7}/{n % 3}/file {n}.json": chosen.randbytes(chosen.randrange(40_000)) for n in range(files)}
    contents |= {f"odd/{name}": name.encode() for name in ODD_NAMES if "\\" not in name}
    contents["empty"] = b""
    for path, data in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return contents


def contents_of(folder: Path) -> dict[str, bytes]:
    """Return the contents of all files under `folder` by path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("compress", [True, False])
async def test_a_tree_comes_home_whole(host: Host, home: Path, tmp_path: Path, compress: bool) -> None:
    expected = make_tree(home / "out put")
    (home / "out put" / "link").symlink_to("/etc/passwd")
    (home / "out put" / "pipe").parent.mkdir(exist_ok=True)
    os.mkfifo(home / "out put" / "pipe")
    seen: list[tuple[int, int]] = []
    files = await fetch_tree(
        host, "~/out put", tmp_path / "results" / "run", on_progress=lambda *at: seen.append(at), compress=compress
    )
    assert contents_of(tmp_path / "results" / "run") == expected
    assert {file.path: file.size for file in files} == {path: len(data) for path, data in expected.items()}
    total = sum(map(len, expected.values()))
    assert seen[-1] == (total, total)
    assert [entry.name for entry in (tmp_path / "results").iterdir()] == ["run"]
    assert contents_of(home / "out put").keys() >= expected.keys()


async def test_excluded_files_stay_there(host: Host, home: Path, tmp_path: Path) -> None:
    make_tree(home / "out")
    await fetch_tree(host, "out", tmp_path / "run", exclude=["*.json", "odd/*"])
    assert contents_of(tmp_path / "run") == {"empty": b""}


async def test_uploads_that_were_never_finished_stay_there(host: Host, home: Path, tmp_path: Path) -> None:
    (home / "out/.upload.a1B2c3").mkdir(parents=True)
    for name in ("whole.json", ".upload.erakS9", ".upload.a1B2c3/half", ".uploaded"):
        (home / "out" / name).write_text(name)
    fetched = await fetch_tree(host, "out", tmp_path / "run")
    assert {file.path for file in fetched} == {"whole.json", ".uploaded"}


async def test_an_upload_that_is_given_up_leaves_nothing(host: Host, home: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    with source.open("wb") as file:
        file.truncate(10_000_000_000)
    uploading = asyncio.create_task(upload(host, source, "out/file"))
    await until(lambda: any(path.stat().st_size for path in (home / "out").glob(".upload.*")))
    uploading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await uploading
    await until(lambda: not list((home / "out").iterdir()))


async def test_an_empty_folder_and_a_missing_one(host: Host, home: Path, tmp_path: Path) -> None:
    (home / "nothing").mkdir()
    assert await fetch_tree(host, "nothing", tmp_path / "run") == []
    assert (tmp_path / "run").is_dir()
    with pytest.raises(CommandFailed, match=r"nowhere|exit status 2"):
        await fetch_tree(host, "nowhere", tmp_path / "other")


async def test_what_was_fetched_is_never_overwritten(host: Host, home: Path, tmp_path: Path) -> None:
    make_tree(home / "out", 2)
    await fetch_tree(host, "out", tmp_path / "run")
    with pytest.raises(StoreError, match="exists already"):
        await fetch_tree(host, "out", tmp_path / "run")


async def test_too_much_is_refused_before_it_comes(host: Host, home: Path, tmp_path: Path) -> None:
    make_tree(home / "out")
    with pytest.raises(CommandFailed, match="too large"):
        await fetch_tree(host, "out", tmp_path / "run", limits=FetchLimits(files=10))
    with pytest.raises(CommandFailed, match="too large"):
        await fetch_tree(host, "out", tmp_path / "run", limits=FetchLimits(total_bytes=1000))


async def test_a_local_disk_that_refuses_is_a_store_error(host: Host, home: Path, tmp_path: Path) -> None:
    make_tree(home / "out", 2)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot keep"):
        await fetch_tree(host, "out", tmp_path / "file" / "run")


async def test_a_second_call_fetches_only_what_is_missing(host: Host, home: Path, tmp_path: Path) -> None:
    expected = make_tree(home / "out")
    partial = tmp_path / ".run.partial"
    kept = sorted(expected)[:30]
    for path in kept:
        (partial / path).parent.mkdir(parents=True, exist_ok=True)
        (partial / path).write_bytes(expected[path])
    (partial / "stale").write_bytes(b"no longer there")
    damaged = max(kept, key=lambda path: len(expected[path]))
    (partial / damaged).write_bytes(bytes(len(expected[damaged])))
    seen: list[int] = []
    await fetch_tree(host, "out", tmp_path / "run", on_progress=lambda done, total: seen.append(done))
    assert contents_of(tmp_path / "run") == expected
    assert seen[0] == sum(len(expected[path]) for path in kept)


@pytest.mark.sshd
async def test_a_broken_connection_is_gone_on_from(sshd: Sshd, ssh: SshHost, tmp_path: Path) -> None:
    expected = {f"{number}": os.urandom(400_000) for number in range(40)}
    (sshd.home / "out").mkdir()
    for path, data in expected.items():
        (sshd.home / "out" / path).write_bytes(data)
    first: list[int] = []

    def cut(done: int, total: int) -> None:
        first.append(done)
        if len(first) == 10:
            sshd.kill_sessions()

    with pytest.raises(ConnectionLost):
        await fetch_tree(ssh, "out", tmp_path / "run", on_progress=cut)
    assert not (tmp_path / "run").exists()
    second: list[int] = []
    await fetch_tree(ssh, "out", tmp_path / "run", on_progress=lambda done, total: second.append(done))
    assert contents_of(tmp_path / "run") == expected
    assert second[0] >= 9 * 400_000


async def test_cancelling_lets_go_of_everything(host: Host, home: Path, tmp_path: Path) -> None:
    (home / "out").mkdir()
    for number in range(20):
        (home / "out" / f"{number}").write_bytes(os.urandom(2_000_000))
    began = asyncio.Event()
    loop = asyncio.get_running_loop()
    fetching = asyncio.create_task(
        fetch_tree(host, "out", tmp_path / "run", on_progress=lambda *_: loop.call_soon_threadsafe(began.set))
    )
    await began.wait()
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    assert not (tmp_path / "run").exists()
    await fetch_tree(host, "out", tmp_path / "run")
    assert len(contents_of(tmp_path / "run")) == 20
