"""Keys of machines never met before, and keys that changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.conftest import Operator, engine_of, fleet_of, make_operator
from tests.sshd import Sshd, make_key
from velora_tui.demo.fleet import DemoFleet
from velora_tui.domain.events import CommandRan
from velora_tui.domain.fleet import Fleet
from velora_tui.errors import HostKeyChanged, ReadOnly
from velora_tui.store.journal import Journal

pytestmark = [pytest.mark.sshd, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture
def stranger(demo: DemoFleet, sshd: Sshd, tmp_path: Path) -> Fleet:
    """A fleet whose instance was never met: its known_hosts file is not there yet."""
    return knowing(fleet_of(demo, sshd), tmp_path / "ssh" / "known_hosts")


def knowing(fleet: Fleet, known_hosts: Path) -> Fleet:
    (instance,) = fleet.instances
    return fleet.model_copy(update={"instances": (instance.model_copy(update={"known_hosts": known_hosts}),)})


def forge(known_hosts: Path, sshd: Sshd, folder: Path) -> None:
    """Write another machine's key as the one that is known."""
    make_key(folder / "other")
    public = " ".join((folder / "other.pub").read_text().split()[:2])
    known_hosts.parent.mkdir(exist_ok=True)
    known_hosts.write_text(f"[127.0.0.1]:{sshd.port} {public}\n")


def ask(operator: Operator, *arguments: str) -> tuple[int, str, str]:
    process = operator.start(*arguments)
    return process.wait(60), process.out, process.err


def rewrite(operator: Operator, sshd: Sshd, known_hosts: Path) -> None:
    fleet_file = operator.folder / "velora.toml"
    fleet_file.write_text(fleet_file.read_text().replace(str(sshd.known_hosts), str(known_hosts)))


async def test_an_unknown_key_is_offered_with_its_fingerprint_and_accepted_once(
    stranger: Fleet, sshd: Sshd, tmp_path: Path
) -> None:
    async with engine_of(stranger, tmp_path / "state") as engine:
        (refused,) = await engine.check()
        assert not refused.ready
        assert "unknown host key" in refused.reason
        key = await engine.offered_host_key("eval1")
        assert key is not None
        assert key.fingerprint in refused.reason
        with pytest.raises(HostKeyChanged, match="another host key is offered now"):
            await engine.accept_host_key("eval1", "SHA256:of-another-machine")
        assert not key.known_hosts.exists()
        await engine.accept_host_key("eval1", key.fingerprint)
        assert await engine.offered_host_key("eval1") is None
        (ready,) = await engine.check()
        assert ready.ready, ready.reason
    public = " ".join((sshd.folder / "host_key.pub").read_text().split()[:2])
    assert key.known_hosts.read_text() == f"[127.0.0.1]:{sshd.port} {public}\n"
    async with Journal(tmp_path / "state" / "journal.db") as journal:
        trusts = [event for event in await journal.events() if isinstance(event, CommandRan)]
    assert [key.fingerprint in event.purpose for event in trusts] == [True], "who trusted what, and when, is on record"


async def test_a_changed_key_cannot_be_accepted_by_any_means(stranger: Fleet, sshd: Sshd, tmp_path: Path) -> None:
    known_hosts = tmp_path / "ssh" / "known_hosts"
    forge(known_hosts, sshd, tmp_path)
    before = known_hosts.read_bytes()
    async with engine_of(stranger, tmp_path / "state") as engine:
        with pytest.raises(HostKeyChanged):
            await engine.offered_host_key("eval1")
        with pytest.raises(HostKeyChanged):
            await engine.accept_host_key("eval1", "SHA256:anything")
    assert known_hosts.read_bytes() == before


async def test_who_may_only_look_trusts_nobody(stranger: Fleet, tmp_path: Path) -> None:
    engine = engine_of(stranger, tmp_path / "state")
    engine.read_only = True
    async with engine:
        with pytest.raises(ReadOnly):
            await engine.accept_host_key("eval1", "SHA256:anything")


async def test_the_command_line_refuses_new_keys_unless_told_otherwise(
    demo: DemoFleet, sshd: Sshd, tmp_path: Path
) -> None:
    operator = make_operator(tmp_path / "operator", demo, sshd)
    known_hosts = tmp_path / "new" / "known_hosts"
    rewrite(operator, sshd, known_hosts)
    status, out, _ = ask(operator, "check")
    assert status == 1
    assert "unknown host key" in out
    assert not known_hosts.exists()
    status, out, err = ask(operator, "check", "--accept-new-host-keys")
    assert status == 0, out
    assert "trust the new host key" in err
    assert "SHA256:" in err
    assert ask(operator, "check")[0] == 0, "it is known from now on"


async def test_the_command_line_never_accepts_a_changed_key(demo: DemoFleet, sshd: Sshd, tmp_path: Path) -> None:
    operator = make_operator(tmp_path / "operator", demo, sshd)
    known_hosts = tmp_path / "known_hosts"
    rewrite(operator, sshd, known_hosts)
    forge(known_hosts, sshd, tmp_path)
    before = known_hosts.read_bytes()
    status, out, _ = ask(operator, "check", "--accept-new-host-keys")
    assert status == 1
    assert "host key changed" in out
    dataset = str(demo.datasets[0])
    status, _, err = ask(operator, "--accept-new-host-keys", "run", "--dataset", dataset, "--model", "llm.gpt")
    assert status == 3
    assert "host key changed" in err
    assert known_hosts.read_bytes() == before
