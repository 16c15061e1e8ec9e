from __future__ import annotations

import errno
import os
import resource
import signal
from pathlib import Path

import pytest

from velora_tui.errors import StoreError
from velora_tui.store.log_writer import LogWriter


def test_bytes_arrive_in_order_and_the_size_is_known(tmp_path):
    path = tmp_path / "logs" / "run" / "1" / "image.log"
    with LogWriter(path) as writer:
        assert writer.append(b"one\n") == 4
        assert writer.append(b"\xff\x00two") == 9
    assert path.read_bytes() == b"one\n\xff\x00two"


def test_a_writer_opened_again_goes_on_from_what_is_on_disk(tmp_path):
    with LogWriter(tmp_path / "a.log") as writer:
        writer.append(b"12345")
    with LogWriter(tmp_path / "a.log") as writer:
        assert writer.size == 5
        writer.append(b"67")
    assert (tmp_path / "a.log").read_bytes() == b"1234567"


def test_truncate_begins_anew(tmp_path):
    with LogWriter(tmp_path / "a.log") as writer:
        writer.append(b"12345")
        writer.truncate(2)
        writer.append(b"x")
        assert writer.size == 3
    assert (tmp_path / "a.log").read_bytes() == b"12x"


@pytest.fixture
def file_size_limit():
    """A real limit of the kernel: writes beyond 1,000 bytes come back short, then fail."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_is_said_clearly_and_leaves_whole_appends_only(tmp_path, file_size_limit):
    with LogWriter(tmp_path / "a.log") as writer:
        writer.append(b"x" * 900)
        with pytest.raises(StoreError, match="cannot grow") as caught:
            writer.append(b"y" * 200)
        assert writer.size == 900
        assert "free space" in (caught.value.hint or "")
        assert (tmp_path / "a.log").read_bytes() == b"x" * 900
        writer.append(b"z" * 100)
    assert (tmp_path / "a.log").stat().st_size == 1000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_no_space_left_is_a_store_error():
    with LogWriter(Path("/dev/full")) as writer, pytest.raises(StoreError, match=os.strerror(errno.ENOSPC)):
        writer.append(b"x")


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path):
    (tmp_path / "logs").write_text("a file, not a folder")
    with pytest.raises(StoreError, match="cannot be written"):
        LogWriter(tmp_path / "logs" / "run" / "a.log")
