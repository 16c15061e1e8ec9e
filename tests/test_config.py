"""The fleet file: what it gives, and errors that name file, line and key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from velora_tui.config import EXAMPLE, find_fleet_file, load_fleet, state_folder
from velora_tui.domain.fleet import RECIPE_NAMES
from velora_tui.errors import FleetFileError
from velora_tui.pipeline.recipes import RECIPES

FLEET = """\
[fleet]
name = "swe-tes7"
results = "my-results"

[defaults]
user = "ubuntu"
max_disk_percent = 85
env = { LOG_ALL_EVENTS = "true" }

[models."llm.gpt"]
label = "gpt"

[agents.one]
command = "run-agent"

[[critical_files]]
path = "openhands/runtime/builder/docker.py"
md5 = "c719fdafa6102198c8068f530846cac3"
source = "good/docker.py"

[[checks]]
id = "gpu"
name = "GPU driver"
command = "nvidia-smi --query-gpu=driver_version --format=csv,noheader"
expect = '^5\\d\\d\\.'
blocking = true
repair = "sudo modprobe nvidia"

[[instances]]
name = "eval1"
host = "aws-instance-eval1"

[[instances]]
name = "eval2"
host = "10.0.0.2"
port = 2222
user = "root"
identity_file = "keys/id"
env = { A = "b" }
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "velora.toml"
    path.write_text(text)
    return path


def test_instances_take_the_defaults_that_they_do_not_set(tmp_path: Path) -> None:
    fleet = load_fleet(write(tmp_path, FLEET))
    one, two = fleet.instance("eval1"), fleet.instance("eval2")
    assert one is not None
    assert two is not None
    assert (one.max_disk_percent, one.env) == (85, {"LOG_ALL_EVENTS": "true"})
    assert (fleet.defaults.user, one.user) == ("ubuntu", None), "the SSH config may know better"
    assert (two.user, two.port, two.env) == ("root", 2222, {"LOG_ALL_EVENTS": "true", "A": "b"})
    assert two.identity_file == tmp_path / "keys/id"
    assert fleet.fleet.results == tmp_path / "my-results"
    assert fleet.label("llm.gpt") == "gpt"
    assert fleet.agent_of("llm.other") == fleet.agents["one"]


def test_checks_and_critical_files_are_what_the_file_says(tmp_path: Path) -> None:
    fleet = load_fleet(write(tmp_path, FLEET))
    (own,) = fleet.checks
    assert (own.id, own.name, own.blocking, own.slow, own.repair) == (
        "gpu",
        "GPU driver",
        True,
        False,
        "sudo modprobe nvidia",
    )
    assert fleet.watched_files == fleet.critical_files
    assert fleet.critical_files[0].source == tmp_path / "good/docker.py"
    assert fleet.defaults.check_minutes == 10


def test_without_critical_files_the_usual_four_are_watched(tmp_path: Path) -> None:
    watched = load_fleet(write(tmp_path, EXAMPLE)).watched_files
    assert [file.path.rsplit("/", 1)[-1] for file in watched] == [
        "run_full_eval_with_s3.sh",
        "eval_pilot2_standardized.py",
        "docker.py",
        "Dockerfile.j2",
    ]
    assert not any(file.md5 or file.sha256 or file.source for file in watched)


def test_the_example_of_the_empty_state_is_a_fleet_file(tmp_path: Path) -> None:
    assert load_fleet(write(tmp_path, EXAMPLE)).instances[0].name == "eval1"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "swe-tes7"', 'name = "swe', r"not TOML.*line 2"),
        (
            "port = 2222",
            "port = 99999",
            r"line 36: port of \[\[instances\]\] 'eval2' must be at most 65535, not 99999$",
        ),
        ("port = 2222", "prot = 2222", r"line 36: unknown key prot of \[\[instances\]\] 'eval2' — did you mean port"),
        (
            "max_disk_percent = 85",
            'max_disk_percent = "lots"',
            r"line 7: defaults\.max_disk_percent must be a whole number, not 'lots'$",
        ),
        (
            'host = "10.0.0.2"',
            'hots = "10.0.0.2"',
            r"line 35: unknown key hots of \[\[instances\]\] 'eval2' — did you mean host",
        ),
        ('host = "10.0.0.2"\n', "", r"line 33: host of \[\[instances\]\] 'eval2' is missing$"),
        ('name = "eval2"', 'name = "eval1"', "two instances are named 'eval1'"),
        ('name = "eval2"', 'name = "../x"', r"line 34: name of \[\[instances\]\] number 2: '../x' is not a safe name"),
        (
            'host = "10.0.0.2"',
            'host = "-oProxyCommand=x"',
            r"line 35: host of \[\[instances\]\] 'eval2': '-oProxy.* is not a host: an alias",
        ),
        ('label = "gpt"', "labell = 1", r"line 11: unknown key models\.llm\.gpt\.labell — did you mean label"),
        (
            "expect = '^5",
            "expect = '(",
            r"line 25: expect of \[\[checks\]\] 'gpu': not a regular expression: missing \), unt",
        ),
        ('id = "gpu"', 'id = "disk"', r"line 22: id of \[\[checks\]\] number 1: 'disk' is a check of Velora's own"),
        ('id = "gpu"', 'id = "a b"', r"line 22: id of \[\[checks\]\] number 1: 'a b' is no check id"),
        (
            "blocking = true",
            'blocking = "very"',
            r"line 26: blocking of \[\[checks\]\] 'gpu' must be true or false, not 'very'$",
        ),
        (
            "blocking = true",
            "bloking = true",
            r"line 26: unknown key bloking of \[\[checks\]\] 'gpu' — did you mean blocking",
        ),
        ("[[checks]]", '[[checks]]\nid = "gpu"\ncommand = "x"\n[[checks]]', "two checks have the id 'gpu'"),
        (
            'md5 = "c719',
            'md5 = "C719',
            r"line 18: md5 of .*docker\.py': 'C719.* is not an MD5: 32 digits of 0-9 and a-f$",
        ),
        (
            "max_disk_percent = 85",
            "check_minutes = -1",
            r"line 7: defaults\.check_minutes must be at least 0, not -1$",
        ),
        ("[agents.one]", "[agents.one]\nx = 1", r"line 14: unknown key agents\.one\.x — remove it"),
        ('command = "run-agent"\n', "", r"line 13: agents\.one\.command is missing$"),
        (
            'user = "ubuntu"',
            'recipe = "harnes"',
            r"line 6: defaults\.recipe: unknown recipe 'harnes': did you mean harness",
        ),
        (
            'user = "ubuntu"',
            'recipe = "x"',
            r"line 6: defaults\.recipe: unknown recipe 'x': there are harness and native$",
        ),
        ('user = "ubuntu"', "user = 5", r"line 6: defaults\.user must be text in quotes$"),
        ('path = "openhands/', 'path = "../openhands/', r"line 17: path of .* number 1: .* leads out of the harness"),
        (
            'name = "eval1"\n',
            'nmae = "eval1"\n',
            r"line 30: unknown key nmae of \[\[instances\]\] number 1 — did you mean",
        ),
    ],
)
def test_an_error_names_file_line_and_key(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = write(tmp_path, FLEET.replace(old, new))
    with pytest.raises(FleetFileError) as caught:
        load_fleet(path)
    assert str(path) in caught.value.message
    assert re.search(says, caught.value.explain())


def test_all_errors_are_told_from_top_to_end(tmp_path: Path) -> None:
    broken = FLEET.replace("port = 2222", "port = 0").replace("= 85", "= 850").replace('host = "aws', 'hots = "aws')
    with pytest.raises(FleetFileError) as caught:
        load_fleet(write(tmp_path, broken))
    told = [error.explain().partition(", line ")[2] for error in (caught.value, *caught.value.others)]
    assert told == [
        "7: defaults.max_disk_percent must be at most 100, not 850",
        "31: unknown key hots of [[instances]] 'eval1' — did you mean host?",
        "36: port of [[instances]] 'eval2' must be at least 1, not 0",
    ]


def test_a_mistake_in_the_first_table_has_its_own_line(tmp_path: Path) -> None:
    with pytest.raises(FleetFileError, match=r", line 3: defaults\.recipe: unknown"):
        load_fleet(write(tmp_path, '[defaults]\nuser = "x"\nrecipe = "harnes"\n'))


def test_a_table_that_should_be_a_list_of_tables_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(FleetFileError, match=r"line 1: instances is a list of tables: write each as \[\[instances\]\]"):
        load_fleet(write(tmp_path, '[instances]\nname = "eval1"\nhost = "x"\n'))


def test_each_recipe_that_a_fleet_file_may_name_is_there() -> None:
    assert set(RECIPES) == set(RECIPE_NAMES)


def test_a_named_file_that_is_missing_is_an_error_and_none_at_all_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert find_fleet_file(None, {}) is None
    with pytest.raises(FleetFileError, match="--fleet"):
        find_fleet_file(tmp_path / "none.toml", {})
    with pytest.raises(FleetFileError, match=r"\$VELORA_FLEET"):
        find_fleet_file(None, {"VELORA_FLEET": str(tmp_path / "none.toml")})
    write(tmp_path, FLEET)
    assert find_fleet_file(None, {}) == Path("velora.toml")


def test_the_state_folder_is_the_first_that_is_named(tmp_path: Path) -> None:
    fleet = load_fleet(write(tmp_path, FLEET.replace("results =", 'state = "s"\nresults =')))
    assert state_folder(tmp_path / "given", fleet, {"VELORA_STATE": "x"}) == tmp_path / "given"
    assert state_folder(None, fleet, {"VELORA_STATE": "/x"}) == Path("/x")
    assert state_folder(None, fleet, {}) == tmp_path / "s"
