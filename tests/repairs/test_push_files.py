"""push-files on instances whose critical files are broken in each way."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from tests.faults.cable import cable_to
from tests.hosts.conftest import until
from tests.repairs.conftest import DOCKER_PY, SCRIPT, Bench, statuses
from velora_tui.domain.events import CommandRan, RepairEnded, RepairStarted
from velora_tui.domain.fleet import CriticalFile
from velora_tui.domain.readiness import CheckStatus
from velora_tui.errors import ReadOnly

pytestmark = pytest.mark.sshd

GOOD = "DOCKER_BUILDKIT=0\n"


def backups(bench: Bench) -> list[Path]:
    return sorted(path for path in (bench.sshd.home / ".velora" / "backups").rglob("*") if path.is_file())


def leftovers(bench: Bench) -> list[Path]:
    return list(bench.sshd.home.rglob(".velora-new*"))


async def test_puts_the_good_copy_in_place_and_keeps_the_old_file(bench: Bench) -> None:
    bench.good_copy(DOCKER_PY, GOOD)
    target = bench.put(DOCKER_PY, "old\n", mode=0o640)
    plan, result = await bench.mend("push-files")
    assert [thing.name for thing in plan.affected] == [DOCKER_PY]
    assert result.mended, result
    assert statuses(result) == (CheckStatus.FAIL, CheckStatus.OK)
    assert target.read_text() == GOOD
    assert target.stat().st_mode & 0o777 == 0o640
    (backup,) = backups(bench)
    assert backup.read_text() == "old\n"
    assert backup.name.startswith("docker.py.")
    assert leftovers(bench) == []


async def test_pushes_only_what_differs(bench: Bench) -> None:
    bench.good_copy(DOCKER_PY, GOOD)
    bench.good_copy("config/Dockerfile.j2", "FROM x\n")
    same = bench.put(DOCKER_PY, GOOD)
    bench.put("config/Dockerfile.j2", "FROM y\n")
    before = same.stat()
    plan, result = await bench.mend("files")
    assert [thing.name for thing in plan.affected] == ["config/Dockerfile.j2"]
    assert result.mended
    assert same.stat().st_ino == before.st_ino


async def test_a_missing_script_comes_with_its_run_bit_and_its_folders(bench: Bench) -> None:
    bench.good_copy(SCRIPT, "#!/bin/bash\necho run\n", mode=0o600)
    plan, result = await bench.mend("push-files")
    assert plan.affected[0].detail == "is missing"
    assert result.mended
    assert (bench.root / SCRIPT).stat().st_mode & 0o777 == 0o755
    assert backups(bench) == []


async def test_a_script_that_only_lacks_its_run_bit_gets_it_and_nothing_else(bench: Bench) -> None:
    bench.good_copy(SCRIPT, "#!/bin/bash\n")
    target = bench.put(SCRIPT, "#!/bin/bash\n", mode=0o644)
    inode = target.stat().st_ino
    plan, result = await bench.mend("script")
    assert [step.upload for step in plan.steps] == [None]
    assert result.mended
    assert target.stat().st_mode & 0o777 == 0o755
    assert target.stat().st_ino == inode


async def test_nothing_to_do_is_said_and_nothing_is_journalled_as_done(bench: Bench) -> None:
    bench.good_copy(DOCKER_PY, GOOD)
    bench.put(DOCKER_PY, GOOD)
    plan, result = await bench.mend("push-files")
    assert plan.steps == ()
    assert plan.nothing_to_do.startswith("the critical files are as expected (docker.py)")
    assert result.mended
    assert not [event for event in await bench.journal() if isinstance(event, RepairStarted | CommandRan)]


async def test_a_good_copy_that_is_not_good_is_not_pushed(bench: Bench) -> None:
    bench.good_copy(DOCKER_PY, GOOD, md5="0" * 32)
    bench.put(DOCKER_PY, "old\n")
    plan, result = await bench.mend("push-files")
    assert plan.steps == ()
    assert plan.refused.startswith("the good copy")
    assert "0" * 32 in plan.refused
    assert not result.mended
    assert result.error == plan.refused
    assert (bench.root / DOCKER_PY).read_text() == "old\n"


async def test_a_file_with_a_checksum_alone_cannot_be_mended_and_says_what_is_needed(bench: Bench) -> None:
    bench.critical_files = (CriticalFile(path=DOCKER_PY, sha256=hashlib.sha256(GOOD.encode()).hexdigest()),)
    bench.put(DOCKER_PY, "old\n")
    why = f"{DOCKER_PY} differs from its checksum, and there is no good copy: give it a `source` in the fleet file"
    plan = await bench.plan("files")
    assert (plan.steps, plan.refused, plan.nothing_to_do) == ((), why, "")
    bench.good_copy(SCRIPT, "#!/bin/sh\n")
    beside = await bench.plan("files")
    assert ([thing.name for thing in beside.affected], beside.notes) == ([SCRIPT], (why,))
    bench.put(DOCKER_PY, GOOD)
    bench.put(SCRIPT, "#!/bin/sh\n", mode=0o755)
    assert (await bench.plan("files")).nothing_to_do.startswith("the critical files are as expected (docker.py, run_f")


async def test_a_good_copy_that_changes_after_the_plan_is_not_pushed(bench: Bench) -> None:
    source = bench.good_copy(DOCKER_PY, GOOD)
    bench.put(DOCKER_PY, "old\n")
    async with bench.engine() as engine:
        (plan,) = await engine.plan_repair(["eval1"], "push-files")
        source.write_text("tampered\n")
        result = await engine.repair(plan)
    assert "changed since the plan was shown" in result.error
    assert (bench.root / DOCKER_PY).read_text() == "old\n"


async def test_a_file_that_changes_after_the_plan_is_left_alone(bench: Bench) -> None:
    bench.good_copy(DOCKER_PY, GOOD)
    target = bench.put(DOCKER_PY, "old\n")
    async with bench.engine() as engine:
        (plan,) = await engine.plan_repair(["eval1"], "push-files")
        target.write_text("somebody's work\n")
        result = await engine.repair(plan)
    assert "changed since the plan was shown" in result.error
    assert target.read_text() == "somebody's work\n"
    assert statuses(result) == (CheckStatus.FAIL, CheckStatus.FAIL)


async def test_a_link_is_replaced_and_what_it_leads_to_stays(bench: Bench) -> None:
    bench.good_copy(DOCKER_PY, GOOD)
    precious = bench.sshd.home / "precious"
    precious.write_text("precious\n")
    link = bench.root / DOCKER_PY
    link.parent.mkdir(parents=True)
    link.symlink_to(precious)
    plan, result = await bench.mend("push-files")
    assert "is a link" in plan.affected[0].detail
    assert result.mended, result
    assert precious.read_text() == "precious\n"
    assert not link.is_symlink()
    assert link.read_text() == GOOD
    (kept,) = (bench.sshd.home / ".velora" / "backups").rglob("*.link")
    assert kept.readlink() == precious


async def test_a_full_disk_leaves_the_old_file(bench: Bench) -> None:
    """What `cat` writes there stops after one block, as on a disk that fills up."""
    bench.good_copy(DOCKER_PY, GOOD * 2000)
    target = bench.put(DOCKER_PY, "old\n")
    bench.tool("cat", 'if [ "$#" = 0 ]; then trap "" XFSZ; ulimit -f 1; fi\nexec /bin/cat "$@"')
    _, result = await bench.mend("push-files")
    assert not result.mended
    assert "File too large" in result.error
    assert result.done == ()
    assert target.read_text() == "old\n"
    assert leftovers(bench) == []
    assert not (bench.sshd.home / ".velora" / "lease").exists()


async def test_a_cut_in_the_middle_leaves_the_old_file_whole(bench: Bench) -> None:
    async with cable_to(bench.sshd.port) as cable:
        bench.port = cable.entry
        bench.good_copy(DOCKER_PY, GOOD * 50_000)
        target = bench.put(DOCKER_PY, "old\n")
        pushing = bench.sshd.home / "pushing"
        bench.tool("cat", f'if [ "$#" = 0 ]; then head -c 1000; : >{pushing}; fi\nexec /bin/cat "$@"')
        async with bench.engine() as engine:
            (plan,) = await engine.plan_repair(["eval1"], "push-files")
            repairing = asyncio.create_task(engine.repair(plan))
            await until(pushing.exists)
            await cable.cut()
            result = await repairing
    assert not result.mended
    assert result.error
    assert target.read_text() in {"old\n", GOOD * 50_000}
    assert target.read_text() == "old\n"


async def test_what_was_done_is_journalled_with_the_exact_command(bench: Bench) -> None:
    bench.good_copy(DOCKER_PY, GOOD)
    bench.put(DOCKER_PY, "old\n")
    plan, _ = await bench.mend("push-files")
    events = await bench.journal()
    (started,) = [event for event in events if isinstance(event, RepairStarted)]
    (ran,) = [event for event in events if isinstance(event, CommandRan)]
    (ended,) = [event for event in events if isinstance(event, RepairEnded)]
    assert started.steps == (plan.steps[0].what,)
    assert ran.command == plan.steps[0].command
    assert ran.instance == "eval1"
    assert (ended.mended, ended.error, ended.by == started.by) == (True, "", True)
    assert statuses(ended) == (CheckStatus.FAIL, CheckStatus.OK)
    assert started.seq < ran.seq < ended.seq


async def test_a_read_only_velora_shows_the_plan_and_mends_nothing(bench: Bench) -> None:
    bench.good_copy(DOCKER_PY, GOOD)
    bench.put(DOCKER_PY, "old\n")
    async with bench.engine(read_only=True) as engine:
        (plan,) = await engine.plan_repair(["eval1"], "push-files")
        assert plan.steps
        with pytest.raises(ReadOnly):
            await engine.repair(plan)
    assert (bench.root / DOCKER_PY).read_text() == "old\n"


async def test_a_folder_that_cannot_be_made_is_told(bench: Bench) -> None:
    bench.good_copy(DOCKER_PY, GOOD)
    (bench.root / "openhands").write_text("a file where a folder is needed\n")
    _, result = await bench.mend("push-files")
    assert "Not a directory" in result.error
    assert not result.mended


async def test_a_script_without_a_good_copy_is_offered_no_repair_and_says_why(bench: Bench) -> None:
    bench.good_copy(DOCKER_PY, GOOD)
    bench.put(DOCKER_PY, GOOD)
    plan, result = await bench.mend("script")
    why = "no good copy of run_full_eval_with_s3.sh is named: add it under [[critical_files]] with source"
    assert (plan.steps, plan.refused) == ((), why)
    assert result.after is not None
    assert (result.after.status, result.after.repair) == (CheckStatus.FAIL, None)
    assert result.after.detail == f"run_full_eval_with_s3.sh is missing, and {why}"


async def test_a_good_copy_that_is_gone_is_told_in_words(bench: Bench) -> None:
    source = bench.good_copy(DOCKER_PY, GOOD)
    source.unlink()
    plan = await bench.plan("files")
    assert plan.refused == f"the good copy {source} can't be read: No such file or directory"
