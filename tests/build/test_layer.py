"""A layer is the same whenever it is made: properties of the cleaning, and of what is packed."""

from __future__ import annotations

import io
import json
import os
import struct
import tarfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mastic.build.layer import Clean, clean_layer, require_whole, tar_inventory
from mastic.build.pack_layer import main as pack

EPOCH = 1_700_000_000
NAMES = ("etc", "etc/a", "etc/b-c", "etc/b", "etc/b/x", "usr", "usr/bin", "usr/bin/tool", "run", "run/app")
FOLDERS = {"etc", "etc/b", "usr", "usr/bin", "run", "run/app"}


def tar_of(path: Path, entries: list[tuple[str, bytes | None]], mtime: int, prefix: str = "") -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in entries:
            entry = tarfile.TarInfo(prefix + name)
            entry.mtime = mtime
            if content is None:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            else:
                entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content or b""))
    return path


def read(path: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(path) as tar:
        return {entry.name: entry for entry in tar}


def content_of(path: Path, name: str) -> bytes:
    with tarfile.open(path) as tar:
        file = tar.extractfile(name)
        assert file
        return file.read()


@settings(max_examples=30, deadline=None)
@given(
    st.sets(st.sampled_from(NAMES), min_size=1),
    st.randoms(use_true_random=False),
    st.lists(st.integers(EPOCH, EPOCH + 10**8), min_size=2, max_size=2),
)
def test_order_time_and_spelling_of_names_make_no_difference(
    tmp_path_factory: pytest.TempPathFactory, names: set[str], random: Random, times: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("layer")
    entries = [(name, None if name in FOLDERS else name.encode()) for name in sorted(names)]
    shuffled = list(entries)
    random.shuffle(shuffled)
    one = clean_layer(tar_of(folder / "1", entries, times[0]), folder / "1c", Clean(EPOCH))
    two = clean_layer(tar_of(folder / "2", shuffled, times[1], "./"), folder / "2c", Clean(EPOCH))
    assert one == two
    assert all(entry.mtime == EPOCH for entry in read(folder / "1c").values())
    assert list(read(folder / "1c")) == sorted(names, key=lambda name: name.split("/"))


def test_cleaning_is_idempotent_and_older_times_stay(tmp_path: Path) -> None:
    source = tar_of(tmp_path / "s", [("etc", None), ("etc/a", b"x")], 1_600_000_000)
    one = clean_layer(source, tmp_path / "1", Clean(EPOCH))
    assert clean_layer(tmp_path / "1", tmp_path / "2", Clean(EPOCH)) == one
    assert read(tmp_path / "1")["etc/a"].mtime == 1_600_000_000


@pytest.mark.parametrize(
    "name",
    [
        "var/log/dpkg.log",
        "var/log/apt/history.log",
        "var/cache/ldconfig/aux-cache",
        "etc/passwd-",
        "etc/resolv.conf",
        "tmp/left",
        "root/.cache/pip/x",
        "var/lib/dpkg/status-old",
        "run/app.pid",
        "run/secrets/ca",
        "var/lib/broker/.erlang.cookie",
        "etc/ssh/ssh_host_ed25519_key",
    ],
)
def test_logs_caches_and_leftovers_are_left_out(tmp_path: Path, name: str) -> None:
    clean_layer(tar_of(tmp_path / "s", [(name, b"x"), ("etc/kept", b"y")], EPOCH), tmp_path / "c", Clean(EPOCH))
    assert list(read(tmp_path / "c")) == ["etc/kept"]


def test_folders_below_run_stay(tmp_path: Path) -> None:
    clean_layer(tar_of(tmp_path / "s", [("run", None), ("run/app", None)], EPOCH), tmp_path / "c", Clean(EPOCH))
    assert list(read(tmp_path / "c")) == ["run", "run/app"]


def test_machine_id_is_emptied(tmp_path: Path) -> None:
    clean_layer(tar_of(tmp_path / "s", [("etc/machine-id", b"0123\n")], EPOCH), tmp_path / "c", Clean(EPOCH))
    assert content_of(tmp_path / "c", "etc/machine-id") == b""


def test_days_of_passwords_are_not_after_the_epoch(tmp_path: Path) -> None:
    text = b"root:*:20000:0:99999:7:::\nnova:!:29999::::::\n"
    clean_layer(tar_of(tmp_path / "s", [("etc/shadow", text)], EPOCH), tmp_path / "c", Clean(EPOCH))
    assert content_of(tmp_path / "c", "etc/shadow") == b"root:*:19675:0:99999:7:::\nnova:!:19675::::::\n"


@pytest.mark.parametrize(("flags", "expected"), [(0, EPOCH), (1, EPOCH + 5), (3, EPOCH + 5)])
def test_byte_code_compared_by_time_gets_the_time_of_its_source(tmp_path: Path, flags: int, expected: int) -> None:
    code = b"\xf3\x0d\x0d\x0a" + struct.pack("<III", flags, EPOCH + 5, 99) + b"code"
    name = "usr/lib/__pycache__/a.cpython-313.pyc"
    clean_layer(tar_of(tmp_path / "s", [(name, code)], EPOCH + 5), tmp_path / "c", Clean(EPOCH))
    assert struct.unpack("<I", content_of(tmp_path / "c", name)[8:12])[0] == expected


def test_empty_mount_points_are_left_out_and_used_ones_stay(tmp_path: Path) -> None:
    entries: list[tuple[str, bytes | None]] = [
        ("cache", None),
        ("cache/uv", None),
        ("context", None),
        ("etc", None),
        ("etc/uv", None),
        ("etc/uv/uv.toml", b""),
        ("tools", None),
        ("tools/kept", b"x"),
    ]
    points = frozenset({"cache", "cache/uv", "context", "etc", "etc/uv", "etc/uv/uv.toml", "tools"})
    clean_layer(tar_of(tmp_path / "s", entries, EPOCH), tmp_path / "c", Clean(EPOCH, points))
    assert list(read(tmp_path / "c")) == ["tools", "tools/kept"]


@pytest.mark.parametrize(("name", "mode"), [("usr/bin/su", 0o755), ("usr/bin/sudo", 0o4755)])
def test_only_listed_programs_keep_running_as_their_owner(tmp_path: Path, name: str, mode: int) -> None:
    with tarfile.open(tmp_path / "s", "w") as tar:
        for each, kind, bits in ((name, tarfile.REGTYPE, 0o4755), ("var/log/kolla", tarfile.DIRTYPE, 0o2775)):
            entry = tarfile.TarInfo(each)
            entry.type, entry.mode = kind, bits
            tar.addfile(entry)
    clean_layer(tmp_path / "s", tmp_path / "c", Clean(EPOCH))
    found = read(tmp_path / "c")
    assert (found[name].mode, found["var/log/kolla"].mode) == (mode, 0o2775)


def test_a_tar_that_is_cut_short_is_noticed_even_between_two_files(tmp_path: Path) -> None:
    whole = tar_of(tmp_path / "s", [("a", b"x"), ("b", b"y")], EPOCH)
    require_whole(whole)
    (tmp_path / "cut").write_bytes(whole.read_bytes()[:1024])
    with pytest.raises(tarfile.ReadError, match="cut short"):
        require_whole(tmp_path / "cut")


def test_hard_links_survive_a_new_order(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "s", "w") as tar:
        file = tarfile.TarInfo("z/file")
        file.size = 3
        tar.addfile(file, io.BytesIO(b"abc"))
        for name in ("a/link", "zz/link"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.LNKTYPE, "z/file"
            tar.addfile(link)
    clean_layer(tmp_path / "s", tmp_path / "c", Clean(EPOCH))
    found = read(tmp_path / "c")
    assert content_of(tmp_path / "c", "a/link") == b"abc"
    assert {name: content_of(tmp_path / "c", name) for name in found} == dict.fromkeys(found, b"abc")


def test_added_file_comes_with_its_folders(tmp_path: Path) -> None:
    how = Clean(EPOCH, added=(("usr/share/x/y.json", b"{}"),))
    clean_layer(tar_of(tmp_path / "s", [("usr", None)], EPOCH), tmp_path / "c", how)
    assert {name: entry.isdir() for name, entry in read(tmp_path / "c").items()} == {
        "usr": True,
        "usr/share": True,
        "usr/share/x": True,
        "usr/share/x/y.json": False,
    }


# What is packed


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (EPOCH, EPOCH))


def packed(tmp_path: Path) -> dict[str, tarfile.TarInfo]:
    pack(str(tmp_path / "old"), str(tmp_path / "new"), str(tmp_path / "out"))
    return read(tmp_path / "out/layer.tar")


def test_only_differences_are_packed_with_the_folders_above(tmp_path: Path) -> None:
    write(tmp_path / "old", {"etc/same": "1", "etc/changed": "1", "etc/mode": "1", "lost/a": "1", "etc/gone": "1"})
    write(tmp_path / "new", {"etc/same": "1", "etc/changed": "22", "etc/mode": "1", "opt/deep/fresh": "1"})
    (tmp_path / "new/etc/mode").chmod(0o755)
    assert list(packed(tmp_path)) == [
        "etc",
        "etc/changed",
        "etc/mode",
        "opt",
        "opt/deep",
        "opt/deep/fresh",
        "etc/.wh.gone",
        ".wh.lost",
    ]


def test_links_and_hard_links_are_packed_as_such(tmp_path: Path) -> None:
    write(tmp_path / "old", {"a": "1"})
    write(tmp_path / "new", {"a": "1", "b": "2"})
    os.link(tmp_path / "new/b", tmp_path / "new/c")
    (tmp_path / "new/d").symlink_to("b")
    found = packed(tmp_path)
    assert {name: (entry.type, entry.linkname) for name, entry in found.items()} == {
        "b": (tarfile.REGTYPE, ""),
        "c": (tarfile.LNKTYPE, "b"),
        "d": (tarfile.SYMTYPE, "b"),
    }


def test_inventory_of_a_root_and_of_its_tar_say_the_same(tmp_path: Path) -> None:
    write(
        tmp_path / "new",
        {
            "var/lib/dpkg/status": "Package: a\nStatus: install ok installed\nVersion: 1\n",
            "usr/lib/python3/dist-packages/x-1.dist-info/METADATA": "Name: x\nVersion: 1\n\nlong text",
        },
    )
    (tmp_path / "old").mkdir()
    packed(tmp_path)
    of_root = json.loads((tmp_path / "out/inventory.json").read_text())
    assert of_root["metadata"] == ["Name: x\nVersion: 1"]
    assert tar_inventory(tmp_path / "out/layer.tar") == of_root
