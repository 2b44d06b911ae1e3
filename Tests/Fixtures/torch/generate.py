"""Wrote the files of this folder, with PyTorch 2.11 and safetensors 0.8, for TorchTests to read.

    python generate.py
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

FOLDER = Path(__file__).parent

DTYPES = {
    "bool": torch.bool,
    "uint8": torch.uint8,
    "int8": torch.int8,
    "int16": torch.int16,
    "int32": torch.int32,
    "int64": torch.int64,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
}

# One tensor of each type, of an uneven length so that the data of the narrow ones ends unaligned.
types = {name: torch.tensor([0, 1, 1], dtype=dtype) for name, dtype in DTYPES.items()}

matrix = torch.arange(6, dtype=torch.float32).reshape(2, 3)
values = {
    "types": types,
    "transposed": matrix.t(),
    "row": matrix[1],
    "parameter": torch.nn.Parameter(matrix.clone()),
    "empty": torch.zeros(0, 3),
    "scalar": torch.tensor(3.5),
    "shape": matrix.shape,
    "none": None,
    "flags": (True, False),
    "integers": [0, 255, 65535, -7, 2**40, -(2**63)],
    "float": 0.1,
    "text": "é",
    7: "seven",
}
values["again"] = values["integers"]

torch.save(values, FOLDER / "protocol2.pt")
# Protocol 2 has no bytes of its own.
torch.save({**values, "bytes": b"\x00\xff"}, FOLDER / "protocol4.pt", pickle_protocol=4)
torch.save(values, FOLDER / "older_form.pt", _use_new_zipfile_serialization=False)
torch.save({"expanded": torch.zeros(1).expand(5)}, FOLDER / "expanded.pt")

save_file(
    {**types, 'an "odd"\n/name é': torch.zeros(0, 3)},
    FOLDER / "types.safetensors",
    metadata={"note": 'é "quoted"\\'},
)
