"""The one primitive, on both kinds of host."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.hosts.conftest import give_up_eight_at_once, runs, until
from velora_tui.errors import CommandFailed, CommandTimeout
from velora_tui.hosts.host import OUTPUT_LIMIT, Host


async def test_ten_megabytes_come_back_as_they_went(host: Host) -> None:
    sent = os.urandom(10_000_000)
    async with host.open("cat") as process:
        received = bytearray()

        async def send() -> None:
            await process.write(sent)
            await process.write_eof()

        sending = asyncio.create_task(send())
        while data := await process.read():
            received += data
        await sending
        assert await process.wait() == 0
    assert bytes(received) == sent


async def test_carriage_returns_and_zeros_are_left_alone(host: Host) -> None:
    sent = b"a\r\nb\0c\r\x1b[0m\xff\n"
    assert (await host.run("cat", stdin=sent)).stdout == sent


async def test_commands_run_in_the_home_folder(host: Host, home: Path) -> None:
    assert (await host.run('pwd; echo "$HOME"')).text == f"{home}\n{home}"


async def test_both_streams_and_the_status_are_told_apart(host: Host) -> None:
    result = await host.run("echo out; echo err >&2; exit 7", check=False)
    assert (result.stdout, result.stderr, result.exit_status) == (b"out\n", b"err\n", 7)


async def test_a_failing_command_names_itself_and_what_it_said(host: Host) -> None:
    with pytest.raises(CommandFailed, match="exit status 3: no such thing") as caught:
        await host.run("echo no such thing >&2; exit 3")
    assert (caught.value.instance, caught.value.exit_status) == (host.name, 3)


async def test_a_signal_shows_as_128_plus_its_number(host: Host) -> None:
    assert (await host.run("kill -9 $$", check=False)).exit_status == 137


async def test_scripts_longer_than_an_argument_may_be_still_see_their_input(host: Host) -> None:
    script = ": some words\n" * 30_000 + "cat; echo end"
    assert (await host.run(script, stdin=b"input ")).text == "input end"


async def test_quotes_backslashes_and_newlines_in_a_command_arrive(host: Host) -> None:
    assert (await host.run("printf '%s|' \"a'b\" 'c\\\\d' '!x' \"$(printf 'e\nf')\"")).text == "a'b|c\\\\d|!x|e\nf|"


async def test_the_text_of_a_command_does_not_show_in_the_process_list(host: Host) -> None:
    look = "lines=$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '); case $lines in *run_infer*) echo seen;; esac"
    assert (await host.run(look)).text == ""


async def test_output_beyond_the_limit_is_dropped(host: Host) -> None:
    result = await host.run(f"head -c {OUTPUT_LIMIT + 100_000} /dev/zero; echo last >&2")
    assert (len(result.stdout), result.stderr) == (OUTPUT_LIMIT, b"last\n")


async def test_input_that_nobody_reads_is_dropped(host: Host) -> None:
    assert (await host.run("exec 0<&-; echo done", stdin=bytes(5_000_000))).text == "done"


async def test_a_command_without_end_is_given_up_and_leaves_nothing(host: Host, home: Path) -> None:
    with pytest.raises(CommandTimeout, match=r"no end after 0\.5 s"):
        await host.run("echo $$ >leader; sleep 600 & echo $! >child; wait", timeout_seconds=0.5)
    pids = [int((home / name).read_text()) for name in ("leader", "child")]
    await until(lambda: not any(runs(pid) for pid in pids))


async def test_many_commands_given_up_at_once_leave_nothing(host: Host, home: Path) -> None:
    await give_up_eight_at_once(host, home)


async def test_leaving_the_context_kills_what_ignores_sigterm(host: Host) -> None:
    async with host.open("trap '' TERM; echo $$; while :; do sleep 1; done") as process:
        pid = int(await process.read())
    await until(lambda: not runs(pid))


async def test_a_reader_that_pauses_holds_the_writer_up(host: Host, home: Path) -> None:
    async with host.open("head -c 40000000 /dev/zero && touch written") as process:
        assert await process.read()
        total = 1
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert not (home / "written").exists()
        while data := await process.read():
            total += len(data)
        assert await process.wait() == 0
    assert (home / "written").exists()
    assert total >= 40_000_000 - 65536


async def test_lines_of_standard_error_come_one_by_one(host: Host) -> None:
    async with host.open("printf 'a\\nbb\\nc' >&2") as process:
        lines = [await process.read_stderr_line() for _ in range(4)]
    assert lines == [b"a\n", b"bb\n", b"c", b""]
