"""Folders: every file once, links are no copies, bad entries are listed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lookalike.model.errors import ConfigError
from lookalike.model.files import Failure
from lookalike.model.image import FileEntry
from lookalike.sources import FolderSource, looks_like_image


def put(path: Path, data: bytes = b"x") -> Path:
    """A small file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def ids(*roots: Path, hidden: bool = False) -> list[str]:
    """Ids that a scan offers."""
    items = FolderSource(roots, hidden=hidden).scan()
    return [item.id for item in items if isinstance(item, FileEntry)]


def test_recursive_sorted_any_suffix(tmp_path: Path) -> None:
    """Files at every depth, sorted by id, whatever their name."""
    for name in ("b/c/2.JPG", "a.png", "b/1.txt"):
        put(tmp_path / name)
    assert ids(tmp_path) == ["a.png", "b/1.txt", "b/c/2.JPG"]
    assert looks_like_image("X.JpEg") and not looks_like_image("notes.txt")


def test_links_are_one_image(tmp_path: Path) -> None:
    """A symlink or hard link to a file is not another file, and the plain name is offered."""
    original = put(tmp_path / "b.jpg")
    (tmp_path / "a.jpg").symlink_to(original)
    os.link(original, tmp_path / "c.jpg")
    assert ids(tmp_path) == ["b.jpg"]


def test_folder_loops_end(tmp_path: Path) -> None:
    """A symlinked folder is walked once, even into itself."""
    put(tmp_path / "real" / "1.jpg")
    (tmp_path / "real" / "loop").symlink_to(tmp_path)
    (tmp_path / "other").symlink_to(tmp_path / "real")
    assert ids(tmp_path) == ["real/1.jpg"]


def test_overlapping_roots_offer_a_file_once(tmp_path: Path) -> None:
    """Roots inside one another, or twice the same, give every file once."""
    put(tmp_path / "a" / "b" / "1.jpg")
    assert len(ids(tmp_path, tmp_path / "a", tmp_path)) == 1


def test_labels_tell_roots_apart(tmp_path: Path) -> None:
    """Roots of one name get as many parents as it takes."""
    put(tmp_path / "x" / "photos" / "1.jpg")
    put(tmp_path / "y" / "photos" / "1.jpg", b"z")
    assert ids(tmp_path / "x" / "photos", tmp_path / "y" / "photos") == [
        "x/photos/1.jpg",
        "y/photos/1.jpg",
    ]


def test_single_files_and_hidden(tmp_path: Path) -> None:
    """A file can be a root; dotted names are left out unless asked for."""
    put(tmp_path / ".hidden" / "1.jpg")
    assert ids(put(tmp_path / "2.jpg")) == ["2.jpg"]
    assert ids(tmp_path) == ["2.jpg"]
    assert ids(tmp_path, hidden=True) == [".hidden/1.jpg", "2.jpg"]


def test_bad_entries_are_listed_or_left(tmp_path: Path) -> None:
    """A dangling symlink is a failure, a pipe is never opened, odd names survive."""
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.jpg")
    put(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.jpg")))
    items = list(FolderSource([tmp_path]).scan())
    assert [item.message for item in items if isinstance(item, Failure)] == [
        "a symlink whose target does not exist"
    ]
    assert len([item for item in items if isinstance(item, FileEntry)]) == 1


def test_missing_root_is_refused_at_once(tmp_path: Path) -> None:
    """Before any work, with the path in the message."""
    with pytest.raises(ConfigError, match=r"does not exist.*nowhere"):
        FolderSource([tmp_path / "nowhere"])
    with pytest.raises(ConfigError):
        FolderSource([])
