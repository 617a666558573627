"""The two small programs that put token keys in place and change them on time."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "catalogue/keystone/image"


def seed(source: Path, target: Path) -> str:
    done = subprocess.run([FOLDER / "keystone_seed_keys", source, target], capture_output=True, text=True, check=True)
    return done.stdout


def keys(folder: Path, **content: str) -> Path:
    folder.mkdir()
    for name, text in content.items():
        (folder / name.removeprefix("key_")).write_text(text)
    return folder


def held(folder: Path) -> dict[str, str]:
    """The keys; keystone passes over what is no number."""
    return {path.name: path.read_text() for path in folder.iterdir() if path.name.isdigit()}


def test_first_keys_are_put_in_readable_by_the_owner_only(tmp_path: Path) -> None:
    source, target = keys(tmp_path / "from", key_0="staged", key_1="primary"), keys(tmp_path / "to")
    seed(source, target)
    assert held(target) == {"0": "staged", "1": "primary"}
    assert {path.stat().st_mode & 0o777 for path in target.iterdir()} == {0o600}


def test_keys_that_were_rotated_since_stay(tmp_path: Path) -> None:
    source = keys(tmp_path / "from", key_0="staged", key_1="primary")
    target = keys(tmp_path / "to", key_0="newer", key_7="newest")
    seed(source, target)
    assert held(target) == {"0": "newer", "7": "newest"}


def test_a_seeding_that_was_cut_short_is_finished(tmp_path: Path) -> None:
    source = keys(tmp_path / "from", key_0="staged", key_1="primary")
    target = keys(tmp_path / "to", key_1="primary")
    seed(source, target)
    assert (target / "0").read_text() == "staged"


def test_another_staged_key_makes_the_one_before_the_primary_and_no_key_is_lost(tmp_path: Path) -> None:
    source, target = keys(tmp_path / "from", key_0="staged", key_1="primary"), keys(tmp_path / "to")
    seed(source, target)
    (source / "0").write_text("second")
    assert "new primary key: 2" in seed(source, target)
    assert held(target) == {"0": "second", "1": "primary", "2": "staged"}
    assert "nothing to do" in seed(source, target)
    (target / "staged").write_text("")  # cut short right before its end
    assert "nothing to do" in seed(source, target)
    (source / "0").write_text("third")
    seed(source, target)
    assert held(target) == {"0": "third", "1": "primary", "2": "staged", "3": "second"}


def test_a_rotation_that_was_cut_short_does_not_promote_twice(tmp_path: Path) -> None:
    source, target = keys(tmp_path / "from", key_0="staged", key_1="primary"), keys(tmp_path / "to")
    seed(source, target)
    (source / "0").write_text("second")
    (target / "2").write_text("staged")
    seed(source, target)
    assert held(target) == {"0": "second", "1": "primary", "2": "staged"}


def test_returning_to_an_earlier_version_changes_no_key(tmp_path: Path) -> None:
    source, target = keys(tmp_path / "from", key_0="staged", key_1="primary"), keys(tmp_path / "to")
    seed(source, target)
    (source / "0").write_text("second")
    seed(source, target)
    before = held(target)
    (source / "0").write_text("staged")
    seed(source, target)
    assert held(target) == before


def rotation(tmp_path: Path, age: int, every: int) -> tuple[list[str], bool]:
    """What the program says, and whether it rotated, when key 0 is `age` seconds old; the second rotation ends it."""
    repository = keys(tmp_path / "keys", key_0="staged", key_1="primary")
    os.utime(repository / "0", (time.time() - age,) * 2)
    programs = keys(
        tmp_path / "programs",
        **{
            "keystone-manage": f'#!/bin/sh\necho "$@" > {tmp_path}/rotated\ntouch {repository}/0\n',
            "sleep": "#!/bin/sh\nexit 9\n",
        },
    )
    for program in programs.iterdir():
        program.chmod(0o755)
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
    command = [str(FOLDER / "keystone_rotate_keys"), str(every), str(repository)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 9, done.stderr
    return done.stdout.splitlines(), (tmp_path / "rotated").exists()


def test_young_keys_wait_for_their_time(tmp_path: Path) -> None:
    lines, rotated = rotation(tmp_path, age=100, every=300)
    assert lines in (["next rotation in 200 s"], ["next rotation in 199 s"])
    assert not rotated


def test_old_keys_are_rotated_and_the_next_time_is_a_whole_interval_away(tmp_path: Path) -> None:
    lines, rotated = rotation(tmp_path, age=301, every=300)
    assert rotated
    assert (tmp_path / "rotated").read_text() == "fernet_rotate\n"
    assert lines in (["next rotation in 300 s"], ["next rotation in 299 s"])
