"""A folder with slow writers, odd names and things that are not receipts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.ports import Gone, Offer, Outcome
from connectors.source import FolderSource, moving
from connectors.source.folder import _key, _parsed

ARCHIVED = Outcome(kind="archived", receipt="default/00", message="Archived.")
REFUSED = Outcome(kind="refused", receipt="default/00", message="Please send it again.", code="TRUNCATED")
needs_leases = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who has a file open (F_SETLEASE)")


def source(path: Path, **settings: float) -> FolderSource:
    return FolderSource(path, "desktop", **{"quiet_s": 0, "blind_quiet_s": 0, **settings})


def names(found: FolderSource) -> list[str]:
    return [offer.name for offer in found.offers()]


def only(found: FolderSource) -> Offer:
    [offer] = found.offers()
    return offer


def test_a_missing_folder_is_a_fault_and_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(source(tmp_path / "unmounted").offers())


def test_a_file_is_offered_only_after_it_was_quiet(tmp_path: Path) -> None:
    file = tmp_path / "taxi.jpg"
    file.write_bytes(b"half")
    changed = file.stat().st_ctime

    def at(seconds: float) -> FolderSource:
        return FolderSource(tmp_path, "desktop", quiet_s=2, clock=lambda: changed + seconds)

    assert names(at(1.9)) == []
    assert names(at(2.1)) == ["taxi.jpg"]


def test_a_restored_time_of_writing_hides_no_change(tmp_path: Path) -> None:
    file = tmp_path / "taxi.jpg"
    file.write_bytes(b"first")
    offer = only(source(tmp_path))
    before = file.stat()
    file.write_bytes(b"other")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert names(source(tmp_path, quiet_s=3600, blind_quiet_s=3600)) == []
    if file.stat().st_ctime_ns != before.st_ctime_ns:
        with pytest.raises(Gone):
            source(tmp_path).read(offer)
        source(tmp_path).settle(offer.key, ARCHIVED)
        assert file.read_bytes() == b"other"


def test_a_time_of_writing_in_the_future_holds_nothing_up(tmp_path: Path) -> None:
    file = tmp_path / "camera.jpg"
    file.write_bytes(b"photo")
    os.utime(file, (4e9, 4e9))
    assert names(source(tmp_path)) == ["camera.jpg"]


@needs_leases
def test_a_stalled_writer_is_waited_for(tmp_path: Path) -> None:
    with (tmp_path / "scan.pdf").open("wb") as writer:
        writer.write(b"first half, ")
        writer.flush()
        assert names(source(tmp_path)) == []
        writer.write(b"second half")
    assert source(tmp_path).read(only(source(tmp_path))) == b"first half, second half"


@needs_leases
def test_a_writer_in_another_process_is_waited_for_and_not_harmed(tmp_path: Path) -> None:
    script = (
        "import sys; f = open(sys.argv[1], 'wb'); f.write(b'half'); f.flush(); print(flush=True); sys.stdin.read(1)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path / "scan.pdf"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout
        writer.stdout.readline()
        assert names(source(tmp_path)) == []
        writer.communicate(b"x")
    assert writer.returncode == 0
    assert names(source(tmp_path)) == ["scan.pdf"]


@needs_leases
def test_a_file_that_is_open_for_writing_again_is_settled_later(tmp_path: Path) -> None:
    file = tmp_path / "taxi.jpg"
    file.write_bytes(b"photo")
    offer = only(source(tmp_path))
    with file.open("r+b"), pytest.raises(BlockingIOError):
        source(tmp_path).settle(offer.key, ARCHIVED)
    source(tmp_path).settle(offer.key, ARCHIVED)
    assert not file.exists()


@needs_leases
def test_an_empty_file_waits_longer(tmp_path: Path) -> None:
    (tmp_path / "empty.pdf").touch()
    (tmp_path / "full.pdf").write_bytes(b"%PDF")
    assert names(source(tmp_path, blind_quiet_s=3600)) == ["full.pdf"]
    assert sorted(names(source(tmp_path))) == ["empty.pdf", "full.pdf"]


def test_what_is_not_a_file_of_its_own_is_left_alone(tmp_path: Path) -> None:
    inside = tmp_path / "watched"
    inside.mkdir()
    secret = tmp_path / "secret"
    secret.write_bytes(b"elsewhere")
    (inside / "link.pdf").symlink_to(secret)
    (inside / "linked").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(inside / "pipe.pdf")
    os.link(secret, inside / "hard.pdf")
    assert names(source(inside)) == []


LITTER = [".hidden.pdf", "~$letter.docx", "._photo.jpg", "Thumbs.db", "THUMBS.DB", "Desktop.ini"]
UNFINISHED = ["a.part", "a.TMP", "a.crdownload", "a.partial"]


@pytest.mark.parametrize("name", LITTER + UNFINISHED)
def test_unfinished_files_and_litter_are_ignored(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    assert names(source(tmp_path)) == []


def test_a_file_replaced_by_a_link_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "taxi.jpg"
    file.write_bytes(b"photo")
    offer = only(source(tmp_path))
    file.rename(tmp_path / ".other")
    file.symlink_to(tmp_path / ".other")
    with pytest.raises(Gone):
        source(tmp_path).read(offer)
    source(tmp_path).settle(offer.key, ARCHIVED)
    assert file.is_symlink()


def test_folders_below_keep_their_place(tmp_path: Path) -> None:
    (tmp_path / "trips" / "lyon").mkdir(parents=True)
    (tmp_path / "trips" / "lyon" / "taxi.jpg").write_bytes(b"photo")
    source(tmp_path).settle(only(source(tmp_path)).key, ARCHIVED)
    assert (tmp_path / "Archived" / "trips" / "lyon" / "taxi.jpg").read_bytes() == b"photo"
    assert names(source(tmp_path)) == []


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    (tmp_path / "Rejected").mkdir()
    (tmp_path / "Rejected" / "a.jpg.txt").write_bytes(b"somebody's")
    for content in (b"one", b"two"):
        (tmp_path / "a.jpg").write_bytes(content)
        offer = only(source(tmp_path))
        for _ in range(2):
            source(tmp_path).settle(offer.key, REFUSED)
    there = {path.name: path.read_bytes() for path in (tmp_path / "Rejected").iterdir()}
    assert there.pop("a.jpg.txt") == b"somebody's"
    assert (there["a (2).jpg"], there["a (3).jpg"]) == (b"one", b"two")
    assert set(there) == {"a (2).jpg", "a (2).jpg.txt", "a (3).jpg", "a (3).jpg.txt"}


def test_the_note_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"one")
    source(tmp_path).settle(only(source(tmp_path)).key, REFUSED)
    note = (tmp_path / "Rejected" / "a.jpg.txt").read_text()
    assert REFUSED.message in note
    assert "TRUNCATED" in note


def test_a_crash_between_move_and_note_is_made_good(tmp_path: Path) -> None:
    (tmp_path / "Rejected").mkdir()
    (tmp_path / "Rejected" / "a.jpg.txt").write_bytes(b"somebody's")
    (tmp_path / "a.jpg").write_bytes(b"one")
    offer = only(source(tmp_path))
    source(tmp_path).settle(offer.key, REFUSED)
    (tmp_path / "Rejected" / "a (2).jpg.txt").unlink()
    source(tmp_path).settle(offer.key, REFUSED)
    assert (tmp_path / "Rejected" / "a (2).jpg.txt").exists()


def test_a_crash_before_the_move_is_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jpg").write_bytes(b"one")
    offer = only(source(tmp_path))
    with monkeypatch.context() as crash:
        crash.setattr(moving, "_move", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            source(tmp_path).settle(offer.key, REFUSED)
    assert only(source(tmp_path)) == offer
    source(tmp_path).settle(offer.key, REFUSED)
    assert names(source(tmp_path)) == []
    assert b"one" in [path.read_bytes() for path in (tmp_path / "Rejected").iterdir()]


def test_what_is_dropped_at_the_last_moment_goes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"one")
    offer = only(source(tmp_path))
    claim = moving._is_claimed

    def drop_and_claim(target: Path) -> bool:
        (tmp_path / ".new").write_bytes(b"another receipt")
        (tmp_path / ".new").replace(file)
        monkeypatch.setattr(moving, "_is_claimed", claim)
        return claim(target)

    monkeypatch.setattr(moving, "_is_claimed", drop_and_claim)
    source(tmp_path).settle(offer.key, ARCHIVED)
    assert source(tmp_path).read(only(source(tmp_path))) == b"another receipt"
    assert list((tmp_path / "Archived").iterdir()) == []


def test_a_new_file_under_the_old_name_is_not_settled_with_it(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"one")
    offer = only(source(tmp_path))
    file.unlink()
    file.write_bytes(b"another receipt")
    source(tmp_path).settle(offer.key, ARCHIVED)
    assert source(tmp_path).read(only(source(tmp_path))) == b"another receipt"


def test_a_link_in_the_place_of_archived_carries_nothing_away(tmp_path: Path) -> None:
    inside, outside = tmp_path / "watched", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "a.jpg").write_bytes(b"one")
    offer = only(source(inside))
    (inside / "Archived").symlink_to(outside, target_is_directory=True)
    with pytest.raises(NotADirectoryError):
        source(inside).settle(offer.key, ARCHIVED)
    assert list(outside.iterdir()) == []
    assert (inside / "a.jpg").exists()


def test_a_key_leads_nowhere_else(tmp_path: Path) -> None:
    for key in ("../secret@1-2-3-4", "/etc/passwd@1-2-3-4", "%2e%2e/secret@1-2-3-4", "@1-2-3-4", "a.jpg"):
        with pytest.raises(ValueError, match=r"key|unpack|int"):
            source(tmp_path).settle(key, ARCHIVED)


_ODD = st.binary(min_size=1, max_size=250).map(lambda name: name.replace(b"/", b"_").replace(b"\0", b"_"))


@given(name=_ODD)
def test_a_key_is_storable_text_and_says_which_file(name: bytes) -> None:
    relative = os.fsdecode(name)
    if relative in (".", ".."):
        return
    status = Path(__file__).stat()
    key = _key(relative, status)
    assert key.encode("utf-8").decode("utf-8") == key
    assert key.isprintable()
    assert _parsed(key)[0] == relative


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=_ODD)
def test_any_name_is_taken_and_settled(tmp_path_factory: pytest.TempPathFactory, name: bytes) -> None:
    folder = tmp_path_factory.mktemp("odd")
    try:
        (folder / os.fsdecode(name)).write_bytes(b"receipt")
    except OSError:
        return  # this file system has no such name
    found = list(source(folder).offers())
    for offer in found:
        assert offer.name.encode("utf-8")
        assert source(folder).read(offer) == b"receipt"
        for _ in range(2):
            source(folder).settle(offer.key, REFUSED)
        assert list(source(folder).offers()) == []
        assert sum(path.read_bytes() == b"receipt" for path in (folder / "Rejected").iterdir()) == 1
        assert len(list((folder / "Rejected").iterdir())) == 2
