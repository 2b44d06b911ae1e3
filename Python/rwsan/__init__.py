"""RWSAN for Swift: visual question answering. This package holds the command `rwsan`, and what PyTorch reads of its files.

    rwsan ask --model vilt --picture cat.jpg --question "what colour is the cat?"
    python -m rwsan --version

- `load_state_dict(path)` gives the weights of a checkpoint, or of an exported model, to PyTorch.
- `FeatureStore(path)` is a `torch.utils.data.Dataset` of the regions of images.

torch is imported when one of the two is first asked for: the command does without Python's part of it.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from rwsan.errors import FileError, RWSANError, TorchError

if TYPE_CHECKING:
    from rwsan.checkpoints import load_state_dict
    from rwsan.features import FeatureStore, Regions

__all__ = ["FeatureStore", "FileError", "RWSANError", "Regions", "TorchError", "load_state_dict"]

__version__ = version("rwsan")

# Which module has what is imported on demand.
_MODULES = {"load_state_dict": "checkpoints", "FeatureStore": "features", "Regions": "features"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'rwsan' has no attribute '{name}'")
    return getattr(import_module(f"rwsan.{_MODULES[name]}"), name)
