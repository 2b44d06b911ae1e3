"""Reads safetensors files, whatever they state: every number in one is checked before memory is taken for it."""

from __future__ import annotations

import json
import math
import mmap
import os
from dataclasses import dataclass
from typing import Any

import torch

from rwsan.errors import FileError

_HEADER_LIMIT = 100_000_000
_PARTS_LIMIT = 1 << 20

_TYPES = {
    "BOOL": torch.bool, "U8": torch.uint8, "I8": torch.int8, "I16": torch.int16, "I32": torch.int32,
    "I64": torch.int64, "F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32, "F64": torch.float64,
}


def _unlike(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON whose names are all different."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name that is there twice")
    return found


@dataclass(frozen=True)
class _Place:
    """Where a tensor lies in the file's mapping: bytes from `begin` up to, not including, `end`."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    begin: int
    end: int


class TensorFile:
    """A safetensors file, mapped into memory; tensors are copied out of it when they are asked for.

    Attributes:
        path: The file.
        metadata: Texts beside the tensors.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Opens a file and checks its header.

        Raises:
            FileError: where it cannot be read, or is no whole safetensors file.
        """
        self.path = os.fspath(path)
        try:
            with open(self.path, "rb") as file:
                self._mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise FileError(self.path, "a file of tensors", error.strerror or "none that can be read") from error
        except ValueError as error:
            raise FileError(self.path, "a file of tensors", "an empty file") from error
        header, start = self._read_header()
        texts = header.pop("__metadata__", {})
        if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
            raise self._wrong("texts as metadata", "something else")
        self.metadata: dict[str, str] = texts
        self._places = {name: self._place(name, entry, start) for name, entry in header.items()}
        end = 0
        for name in self.names:
            # Tensors that share bytes would take more memory than the file is long.
            if self._places[name].begin < end:
                raise self._wrong("tensors one behind the other", f"'{name}' within another one")
            end = self._places[name].end

    @property
    def names(self) -> list[str]:
        """The tensors' names, in the order in which they lie in the file."""
        return sorted(self._places, key=lambda name: (self._places[name].begin, self._places[name].end, name))

    @property
    def byte_count(self) -> int:
        """How long the file is."""
        return len(self._mapping)

    def dtype(self, name: str) -> torch.dtype:
        """The type of a tensor's numbers."""
        return self._found(name).dtype

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor."""
        return self._found(name).shape

    def bytes(self, name: str) -> memoryview:
        """A tensor's bytes, in the file's mapping."""
        place = self._found(name)
        return memoryview(self._mapping)[place.begin : place.end]

    def tensor(self, name: str) -> torch.Tensor:
        """A tensor, in memory of its own."""
        place = self._found(name)
        return self._copied(place, place.begin, place.shape)

    def rows(self, name: str, first: int, end: int) -> torch.Tensor:
        """Rows `first` up to, not including, `end` of a tensor [rows, ...], in memory of their own."""
        place = self._found(name)
        if not 0 <= first <= end <= place.shape[0]:
            raise IndexError(f"{self.path}: expected rows within 0 and {place.shape[0]}, found {first} to {end}")
        rest = place.shape[1:]
        row = math.prod(rest) * place.dtype.itemsize
        return self._copied(place, place.begin + first * row, (end - first, *rest))

    def require(self, name: str, dtype: torch.dtype, shape: tuple[int, ...]) -> None:
        """Holds a tensor's type and shape against those that it has to have.

        Raises:
            FileError: where it has others.
        """
        found = self._found(name)
        if found.dtype != dtype or found.shape != shape:
            raise self._wrong(
                f"'{name}' of {_type_name(dtype)} {list(shape)}", f"{_type_name(found.dtype)} {list(found.shape)}")

    def _copied(self, place: _Place, begin: int, shape: tuple[int, ...]) -> torch.Tensor:
        count = math.prod(shape)
        if count == 0:
            return torch.empty(shape, dtype=place.dtype)
        # One copy, which is the tensor's own memory: nobody writes into the mapping.
        numbers = bytearray(memoryview(self._mapping)[begin : begin + count * place.dtype.itemsize])
        return torch.frombuffer(numbers, dtype=place.dtype).reshape(shape)

    def _read_header(self) -> tuple[dict[str, Any], int]:
        length = int.from_bytes(self._mapping[:8], "little")
        if self.byte_count < 8 or length > min(_HEADER_LIMIT, self.byte_count - 8):
            raise self._wrong("a header of safetensors", f"{self.byte_count} bytes without one")
        text = self._mapping[8 : 8 + length]
        # Values take some hundred times the room of the bytes that state them.
        if text.count(b",") + text.count(b":") > _PARTS_LIMIT:
            raise self._wrong(f"a header with at most {_PARTS_LIMIT} commas and colons", "more")
        try:
            header = json.loads(text, object_pairs_hook=_unlike)
        except (ValueError, RecursionError):
            header = None
        if not isinstance(header, dict):
            raise self._wrong("a header of safetensors", "other bytes")
        return header, 8 + length

    def _place(self, name: str, entry: Any, start: int) -> _Place:
        wrong = self._wrong(f"type, shape and place of '{name}'", "others than a file of tensors has")
        try:
            shape, (begin, end) = tuple(entry["shape"]), entry["data_offsets"]
            dtype = _TYPES[entry["dtype"]]
        except (TypeError, KeyError, ValueError):
            raise wrong from None
        numbers = [*shape, begin, end]
        # Python takes True for a number.
        if not all(type(number) is int and 0 <= number < 2**63 for number in numbers) or len(shape) > 64:
            raise wrong
        if math.prod(max(size, 1) for size in shape) >= 2**48:
            raise wrong
        if end - begin != math.prod(shape) * dtype.itemsize or start + end > self.byte_count:
            raise self._wrong(
                f"'{name}' of {_type_name(dtype)} {list(shape)} within the file",
                f"bytes {begin} to {end} of {self.byte_count - start}: the file is cut off or damaged")
        return _Place(dtype, shape, start + begin, start + end)

    def _found(self, name: str) -> _Place:
        if name not in self._places:
            raise self._wrong(f"a tensor '{name}'", "none of that name")
        return self._places[name]

    def _wrong(self, expected: str, found: str) -> FileError:
        return FileError(self.path, expected, found)


def _type_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
