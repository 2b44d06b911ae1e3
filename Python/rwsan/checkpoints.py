"""Weights of checkpoints and exported models, for PyTorch."""

from __future__ import annotations

import json
import os
import zlib

import torch

from rwsan.errors import FileError
from rwsan.tensors import TensorFile

# What a checkpoint has beside the weights: the optimizer's state, and the random generators'.
_NO_WEIGHTS = ("optimizer.", "random.")
_CHECKPOINT = "rwsan-checkpoint-1"


def load_state_dict(path: str | os.PathLike[str]) -> dict[str, torch.Tensor]:
    """The weights of a checkpoint of `rwsan train`, or of a model that `rwsan export` wrote.

    They have the names of the official PyTorch release (of transformers, where the model is a fine-tuned ViLT or
    LXMERT), so that `model.load_state_dict(rwsan.load_state_dict(path))` takes them. The optimizer's state is left out.

    Args:
        path: A safetensors file, or the folder of an exported model, whose `model.safetensors` is read.

    Returns:
        Tensors on the CPU by their names, each with the type and shape that it has in the file: weights are float32.

    Raises:
        FileError: where the file cannot be read, is no safetensors file, or is not as its checksums say.
    """
    path = os.fspath(path)
    file = TensorFile(os.path.join(path, "model.safetensors") if os.path.isdir(path) else path)
    checksums = _checksums(file)
    state = {}
    if checksums is not None and (lacking := sorted(set(checksums) - set(file.names))):
        raise FileError(file.path, f"a tensor '{lacking[0][:100]}', which has a checksum", "none")
    for name in file.names:
        if name.startswith(_NO_WEIGHTS) and file.metadata.get("format") == _CHECKPOINT:
            continue
        if checksums is not None:
            if name not in checksums:
                raise FileError(file.path, f"a checksum of '{name[:100]}'", "none: the file is damaged; copy it anew or take another")
            _compare(file, f"'{name}' with the checksum", checksums[name], zlib.crc32(file.bytes(name)))
        state[name] = file.tensor(name)
    if not state:
        raise FileError(file.path, "weights", "none")
    return state


def _checksums(file: TensorFile) -> dict[str, str] | None:
    """The checksums of a checkpoint's tensors, by name; None where it is from before there were any."""
    if "checksum" not in file.metadata and "checksums" not in file.metadata:
        return None
    total = 0
    for key in sorted(file.metadata):
        if key == "checksum":
            continue
        for text in [key, file.metadata[key]]:
            content = text.encode(errors="surrogatepass")
            total = zlib.crc32(len(content).to_bytes(8, "little") + content, total)
    _compare(file, "metadata with the checksum", file.metadata.get("checksum"), total)
    try:
        checksums = json.loads(file.metadata["checksums"])
    except (KeyError, ValueError, RecursionError):
        checksums = None
    if not isinstance(checksums, dict):
        raise FileError(file.path, "a checksum of every tensor", "other metadata")
    return checksums


def _compare(file: TensorFile, what: str, stated: object, computed: int) -> None:
    if stated != f"{computed:08x}":
        raise FileError(
            file.path, f"{what} {stated}", f"{computed:08x}: the file is damaged; copy it anew or take another")
