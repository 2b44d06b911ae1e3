"""What can go wrong, each in one line that says what was expected, and what was found."""

from __future__ import annotations


class RWSANError(Exception):
    """What went wrong, in one line for people."""


class TorchError(RWSANError):
    """torch, whose libraries the command uses, is missing or another one."""


class FileError(RWSANError):
    """A file or folder that is not what it has to be.

    Attributes:
        path: The file or folder.
        expected: What should have been there.
        found: What was there instead.
    """

    def __init__(self, path: str, expected: str, found: str) -> None:
        # All three are arguments, so that the error comes whole out of a DataLoader's worker.
        super().__init__(path, expected, found)
        self.path = path
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        line = f"{self.path}: expected {self.expected}, found {self.found}"
        return "".join(character if character.isprintable() else repr(character)[1:-1] for character in line)
