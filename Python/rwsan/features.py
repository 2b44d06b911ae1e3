"""Feature stores as a dataset of PyTorch."""

from __future__ import annotations

import json
import os
from bisect import bisect_right
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch.utils.data import Dataset

from rwsan.errors import FileError
from rwsan.tensors import TensorFile

_INDEX_LIMIT = 128 << 20
_LARGEST_WIDTH = 1 << 20
# Numbers below are kept free for texts.
_FIRST_NUMBER = -(2**63) + 2**32
_FORMATS = [f"rwsan feature store {number}" for number in (2, 3, 4)]
_TYPES = {"float16": torch.float16, "float32": torch.float32}


class Regions(NamedTuple):
    """The regions of one image, in the order in which they were found."""

    image_id: int | str
    """What identifies the image: a number, or a text where it is none."""
    features: torch.Tensor
    """[regions, width], float16 or float32 as the store has them."""
    boxes: torch.Tensor
    """[regions, 4], float32: x1, y1, x2, y2 of each region in pixels."""
    size: tuple[int, int]
    """Height and width of the image in pixels."""


class FeatureStore(Dataset[Regions]):
    """The regions of the images in a feature store, which `rwsan pack` and `rwsan extract --store` make.

    An item is one image. Images have regions of different numbers, which PyTorch does not put into one tensor by
    itself; so a `DataLoader` takes `batch_size=None`, or a `collate_fn` of your own:

        loader = DataLoader(FeatureStore("train2014.packed"), batch_size=64, num_workers=2, collate_fn=list)

    Files are mapped into memory, once for each worker, and regions are copied out of them when they are asked for.
    Checksums are not compared: `rwsan info --verify STORE` does that. The files must not be changed meanwhile.

    Attributes:
        path: The folder.
        dtype: The type of the features, torch.float16 or torch.float32.
        width: How many features a region has.
        image_ids: What identifies the image at each index.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Opens a store.

        Raises:
            FileError: where the folder is no store, or not a whole one.
        """
        self._open(os.fspath(path))

    def __len__(self) -> int:
        """How many images there are."""
        return len(self.image_ids)

    def __getitem__(self, index: int) -> Regions:
        """The regions of the image at an index; one below 0 counts from the end.

        Raises:
            IndexError: where there is no such image.
        """
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"{self.path}: expected an index below {len(self)}, found {index}")
        number = bisect_right(self._firsts, position) - 1
        features, boxes, size = self._shards[number].regions(position - self._firsts[number])
        return Regions(self.image_ids[position], features, boxes, size)

    def __getstate__(self) -> str:
        """What another process needs: it maps the files for itself."""
        return self.path

    def __setstate__(self, path: str) -> None:
        self._open(path)

    def _open(self, path: str) -> None:
        index = _read_index(path)
        self.path = path
        self.dtype = _TYPES[index["dtype"]]
        self.width: int = index["width"]
        self._shards = [_Shard(path, entry, self.dtype, self.width) for entry in index["shards"]]
        self._firsts = list(accumulate((len(shard.image_ids) for shard in self._shards), initial=0))[:-1]
        self.image_ids: list[int | str] = [image for shard in self._shards for image in shard.image_ids]
        if len(set(self.image_ids)) != len(self.image_ids):
            raise FileError(path, "every image once", "one a second time")
        if len(self.image_ids) != index["imageCount"]:
            raise FileError(path, f"{index['imageCount']} images", str(len(self.image_ids)))


def _read_index(folder: str) -> dict[str, Any]:
    path = os.path.join(folder, "index.json")
    try:
        with open(path, "rb") as file:
            content = file.read(_INDEX_LIMIT + 1)
    except OSError as error:
        raise FileError(folder, "a feature store", "no index.json that can be read in it") from error
    if len(content) > _INDEX_LIMIT:
        raise FileError(path, f"an index of at most {_INDEX_LIMIT} bytes", "more")
    try:
        index = json.loads(content)
    except (ValueError, RecursionError):
        index = None
    if not isinstance(index, dict) or not isinstance(index.get("format"), str):
        raise FileError(path, "the index of a feature store", "other text")
    if index["format"] not in _FORMATS:
        expected = " or ".join(f"'{name}'" for name in _FORMATS)
        raise FileError(path, expected, f"'{index['format']}': remove the folder and pack it again")
    shards = index.get("shards")
    if (
        not isinstance(index.get("dtype"), str) or index["dtype"] not in _TYPES
        or not _is_count(index.get("width"), _LARGEST_WIDTH) or not _is_count(index.get("imageCount"))
        or not isinstance(shards, list) or not all(_is_shard(entry) for entry in shards)
    ):
        raise FileError(path, "the index of a feature store", "other values than it has")
    # Before any is opened: an index is short, and what it may name again and again is not.
    if len({entry["file"] for entry in shards}) != len(shards):
        raise FileError(path, "every file once", "one a second time")
    return index


def _is_count(value: Any, most: int = 2**63 - 1) -> bool:
    return type(value) is int and 0 <= value <= most


def _is_shard(entry: Any) -> bool:
    # A file of another folder is none of the store's.
    return (
        isinstance(entry, dict) and isinstance(entry.get("file"), str) and "/" not in entry["file"]
        and "\0" not in entry["file"] and _is_count(entry.get("byteCount"))
    )


class _Shard:
    """One file of a store: the regions of some images, one image after the other."""

    def __init__(self, folder: str, entry: dict[str, Any], dtype: torch.dtype, width: int) -> None:
        file = TensorFile(os.path.join(folder, entry["file"]))
        self._file = file
        if file.byte_count != entry["byteCount"]:
            raise FileError(file.path, f"{entry['byteCount']} bytes", str(file.byte_count))
        rows = (*file.shape("boxes"), 0)[0]
        file.require("features", dtype, (rows, width))
        file.require("boxes", torch.float32, (rows, 4))
        self.image_ids = self._read_names() if "image_name" in file.names else self._read_numbers()
        count = len(self.image_ids)
        file.require("size", torch.int32, (count, 2))
        self._sizes = file.tensor("size")
        if count and int(self._sizes.min()) < 1:
            raise FileError(file.path, "'size' in pixels", "numbers below 1")
        self._offsets = self._read_offsets("offset", count, rows)

    def regions(self, position: int) -> tuple[torch.Tensor, torch.Tensor, tuple[int, int]]:
        """Features [regions, width], boxes [regions, 4], and height and width of the image at a position."""
        first, end = self._offsets[position : position + 2].tolist()
        height, width = self._sizes[position].tolist()
        return self._file.rows("features", first, end), self._file.rows("boxes", first, end), (height, width)

    def _read_numbers(self) -> list[int | str]:
        self._file.require("image_id", torch.int64, (*self._file.shape("image_id"), 0)[:1])
        return self._file.tensor("image_id").tolist()

    def _read_names(self) -> list[int | str]:
        byte_count = (*self._file.shape("image_name"), 0)[0]
        self._file.require("image_name", torch.uint8, (byte_count,))
        count = (*self._file.shape("image_name_offset"), 0)[0] - 1
        offsets = self._read_offsets("image_name_offset", count, byte_count).tolist()
        names = bytes(self._file.bytes("image_name"))
        try:
            return [_identifier(names[first:end].decode()) for first, end in zip(offsets, offsets[1:])]
        except UnicodeDecodeError as error:
            raise FileError(self._file.path, "names in UTF-8", "other bytes") from error

    def _read_offsets(self, name: str, count: int, end: int) -> torch.Tensor:
        """Where the parts of each image begin, [count + 1]: numbers that rise from 0 to `end`."""
        self._file.require(name, torch.int64, (max(count, 0) + 1,))
        offsets = self._file.tensor(name)
        if int(offsets[0]) != 0 or int(offsets[-1]) != end or bool((offsets[1:] < offsets[:-1]).any()):
            raise FileError(self._file.path, f"'{name}' to rise from 0 to {end}", "other numbers")
        return offsets


def _identifier(name: str) -> int | str:
    """A text that is a number in decimal digits, as the number would be printed, is that number."""
    try:
        number = int(name)
    except ValueError:
        return name
    return number if str(number) == name and _FIRST_NUMBER <= number < 2**63 else name
