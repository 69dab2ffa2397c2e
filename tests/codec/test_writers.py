"""Writers that meet each other, full disks, killed processes and readers."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from codec.made import dense_coder, some_rows

import isthmus.codec.writer
from isthmus.codec import (
    ArchiveReader,
    append_archive,
    create_archive,
    decode_archive,
    encode_archive,
    verify_archive,
)
from isthmus.core import DataWarning, OutputError
from isthmus.core.errors import IsthmusError

CODER = dense_coder()
ROOT = Path(__file__).parents[2]


def header():
    return {"n_bits": 20, "norm": "float16", "model": {"digest": "x", "bytes": 0}}


def write(writer, rows):
    writer.write(*CODER.encode(rows))


def test_two_writers_of_a_new_archive(tmp_path):
    path = tmp_path / "x.isth"
    with create_archive(path, header()) as writer:
        with pytest.raises(OutputError, match="being written by another process"):
            create_archive(path, header())
        write(writer, some_rows(5))
    with ArchiveReader(path) as archive:
        assert archive.n_rows == 5
    with create_archive(path, header(), force=True) as writer:  # the lock has gone
        write(writer, some_rows(6))
    with ArchiveReader(path) as archive:
        assert archive.n_rows == 6
    assert [p.name for p in tmp_path.iterdir()] == ["x.isth"]


def test_two_writers_of_an_old_archive(tmp_path):
    path = tmp_path / "x.isth"
    encode_archive(some_rows(50), CODER, path)
    with append_archive(path) as writer:
        for call in (
            lambda: append_archive(path),
            lambda: create_archive(path, header(), force=True),
        ):
            with pytest.raises(OutputError, match="being written by another process"):
                call()
        write(writer, some_rows(7, seed=3))
    with create_archive(path, header(), force=True) as writer:
        with pytest.raises(OutputError, match="being written by another process"):
            append_archive(path)
        write(writer, some_rows(3))
    with ArchiveReader(path) as archive:
        assert archive.n_rows == 3


def test_readers_during_an_append_see_the_rows_before(tmp_path):
    path = tmp_path / "x.isth"
    rows = some_rows(500)
    encode_archive(rows[:300], CODER, path, chunk_rows=100)
    before = decode_archive(path)
    with ArchiveReader(path) as early, append_archive(path, chunk_rows=50) as writer:
        for start in range(300, 500, 20):
            write(writer, rows[start : start + 20])
            with ArchiveReader(path) as late:
                assert early.n_rows == late.n_rows == 300
                np.testing.assert_array_equal(early.packed_rows()[0], late.packed_rows()[0])
        with pytest.warns(DataWarning, match="rows are being appended.*The 300 rows"):
            np.testing.assert_array_equal(decode_archive(path), before)
        writer.close()
        assert early.n_rows == 300
        early.packed_rows()
    whole = decode_archive(path)
    np.testing.assert_array_equal(whole[:300], before)
    np.testing.assert_array_equal(whole, CODER.decode(*CODER.encode(rows)))


def test_a_reader_keeps_what_it_opened_when_the_archive_is_replaced(tmp_path):
    path = tmp_path / "x.isth"
    encode_archive(some_rows(50), CODER, path)
    with ArchiveReader(path) as archive:
        bits = archive.packed_rows()[0]
        encode_archive(some_rows(9, seed=4), CODER, path, force=True)
        np.testing.assert_array_equal(archive.packed_rows()[0], bits)


def test_an_error_in_the_rows_leaves_what_was_there(tmp_path):
    path = tmp_path / "x.isth"

    def broken():
        yield some_rows(40)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode_archive(broken(), CODER, path, chunk_rows=10)
    assert list(tmp_path.iterdir()) == []
    encode_archive(some_rows(50), CODER, path)
    before = path.read_bytes()
    for options in ({"append": True}, {"force": True}):
        with pytest.raises(KeyboardInterrupt):
            encode_archive(broken(), CODER, path, chunk_rows=10, **options)
        assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["x.isth"]


class Full:
    """A file on a disk with room for so many bytes more."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, raw):
        if self.room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = min(len(raw), self.room)  # as systems do: a part first
        self.room -= taken
        return self.file.write(raw[:taken])

    def __getattr__(self, name):
        return getattr(self.file, name)


@pytest.mark.parametrize("room", [0, 1, 64, 700, 5000, 6000, 6500])
def test_a_full_disk(room, tmp_path, monkeypatch):
    path = tmp_path / "x.isth"
    first = some_rows(200)
    encode_archive(first, CODER, path, chunk_rows=40)
    before = path.read_bytes()
    begin = isthmus.codec.writer.Start.__init__

    def full(self, target, file, *args, **kwargs):
        begin(self, target, Full(file, room), *args, **kwargs)

    monkeypatch.setattr(isthmus.codec.writer.Start, "__init__", full)
    for options in ({"append": True}, {"force": True}):
        with pytest.raises(OutputError, match="No space left.*before is unchanged"):
            encode_archive(some_rows(2000), CODER, path, chunk_rows=40, **options)
        assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["x.isth"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="mounts a disk")
def test_a_real_full_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    options = ["-t", "tmpfs", "-o", "size=64k", "tmpfs"]
    mounted = subprocess.run(["mount", *options, str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        path = disk / "x.isth"
        encode_archive(some_rows(500), CODER, path, chunk_rows=100)
        before = path.read_bytes()
        for append in (True, False):
            with pytest.raises(OutputError, match="No space left"):
                encode_archive(
                    some_rows(60_000), CODER, path, append=append, force=not append
                )
            assert path.read_bytes() == before
        assert [p.name for p in disk.iterdir()] == ["x.isth"]
        assert verify_archive(path).ok
        encode_archive(some_rows(100), CODER, path, append=True)
        assert verify_archive(path).n_rows == 600
    finally:
        subprocess.run(["umount", str(disk)], check=True)


KILLED = """
import sys
sys.path[:0] = {paths!r}
from codec.made import dense_coder, some_rows
from isthmus.codec import encode_archive

def rows():
    for part in range(1000):
        yield some_rows(50, seed=part)
        if part == 20:
            print("some", flush=True)
            sys.stdin.read()

encode_archive(rows(), dense_coder(), {path!r}, chunk_rows=40, **{options!r})
"""


def killed_while_writing(path, **options):
    paths = [str(ROOT / "src"), str(ROOT / "tests")]
    text = KILLED.format(paths=paths, path=str(path), options=options)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(text)], **pipes) as child:
        assert child.stdout.readline() == b"some\n"
        with pytest.raises(OutputError, match="being written by another process"):
            encode_archive(some_rows(5), CODER, path, **options)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does")
def test_a_writer_that_is_killed(tmp_path):
    path = tmp_path / "x.isth"
    killed_while_writing(path)
    assert [p.name for p in tmp_path.iterdir()] == [".x.isth.part"]
    encode_archive(some_rows(50), CODER, path)  # over what is left of it
    assert [p.name for p in tmp_path.iterdir()] == ["x.isth"]
    before = path.read_bytes()
    killed_while_writing(path, append=True)
    left = path.read_bytes()
    assert left[: len(before)] == before
    assert len(left) > len(before)
    told = verify_archive(path)
    assert (told.n_rows, told.ok) == (50, False)
    assert [one.part for one in told.damages] == ["end"]
    with pytest.warns(DataWarning, match="behind the last table"):
        assert len(decode_archive(path)) == 50
    with pytest.warns(DataWarning, match="were until the writer|interrupted; they are dr"):
        encode_archive(some_rows(7), CODER, path, append=True)
    assert verify_archive(path).ok
    assert len(decode_archive(path)) == 57


def test_folders_and_files_that_cannot_be_written(tmp_path):
    for path in (tmp_path / "none" / "x.isth", tmp_path / ("x" * 300 + ".isth")):
        with pytest.raises(OutputError, match="cannot be written"):
            encode_archive(some_rows(5), CODER, path)
    (tmp_path / "folder.isth").mkdir()
    for options in ({}, {"force": True}, {"append": True}):
        with pytest.raises((IsthmusError, IsADirectoryError)) as caught:
            encode_archive(some_rows(5), CODER, tmp_path / "folder.isth", **options)
        assert isinstance(caught.value, IsthmusError)


def test_chunks_reach_the_disk_before_the_table_that_vouches_for_them(
    tmp_path, monkeypatch
):
    order = []
    flush, put = os.fsync, isthmus.codec.writer.ArchiveWriter._put
    monkeypatch.setattr(os, "fsync", lambda h: (order.append("flush"), flush(h)))
    monkeypatch.setattr(
        isthmus.codec.writer.ArchiveWriter,
        "_put",
        lambda self, raw: (order.append(bytes(raw[:8])), put(self, raw)),
    )
    encode_archive(some_rows(5), CODER, tmp_path / "x.isth")
    table = order.index(b"ISTHTABL")
    assert b"ISTHCHNK" in order[:table]
    assert "flush" in order[order.index(b"ISTHCHNK") : table]
    assert order[table + 1] == "flush"


def test_an_archive_with_more_chunks_than_a_table_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(isthmus.codec.writer, "MAX_ENTRIES", 3)
    path = tmp_path / "x.isth"
    told = encode_archive(some_rows(100), CODER, path, chunk_rows=9)
    assert (told.n_chunks, told.n_commits) == (12, 4)
    assert verify_archive(path).ok
    np.testing.assert_array_equal(
        decode_archive(path), CODER.decode(*CODER.encode(some_rows(100)))
    )


def test_many_small_appends(tmp_path):
    path = tmp_path / "x.isth"
    rows = some_rows(13)
    encode_archive(rows[:1], CODER, path)
    for number in range(1, 13):
        encode_archive(rows[number : number + 1], CODER, path, append=True)
    assert verify_archive(path).ok
    np.testing.assert_array_equal(decode_archive(path), CODER.decode(*CODER.encode(rows)))
