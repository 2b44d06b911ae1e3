"""Packs the official archive of features into one file of half precision, as one would in Python.

  python pack_features.py ARCHIVE OUTPUT_FOLDER

Reads the archive without unpacking it to disk; OUTPUT_FOLDER gets `features.bin` (regions after one another, boxes
beside them in `boxes.bin`) and `index.json`. Prints one JSON line; `sum` is of the features of the first 256 images
by number, to compare.
"""
import io
import json
import os
import pathlib
import re
import sys
import tarfile
import time

import numpy as np


def pack(archive_file, folder):
    """Writes the store, and returns the place and number of each image's regions."""
    index, start = {}, 0
    with tarfile.open(archive_file, "r|gz") as archive, \
            open(folder / "features.bin", "wb") as features, open(folder / "boxes.bin", "wb") as boxes:
        for entry in archive:
            if not entry.name.endswith(".npz"):
                continue
            with np.load(io.BytesIO(archive.extractfile(entry).read())) as arrays:
                x = np.ascontiguousarray(arrays["x"].T).astype(np.float16)
                features.write(x.tobytes())
                boxes.write(arrays["bbox"].tobytes())
                image = int(re.findall(r"\d+", os.path.basename(entry.name))[-1])
                index[image] = [start, len(x), int(arrays["image_h"]), int(arrays["image_w"])]
                start += len(x)
        for file in (features, boxes):
            file.flush()
            os.fsync(file.fileno())
    (folder / "index.json").write_text(json.dumps(index))
    return index


def main():
    archive_file, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    index = pack(archive_file, folder)
    seconds = time.perf_counter() - start
    rows = sum(count for _, count, _, _ in index.values())
    store = np.memmap(folder / "features.bin", np.float16, "r").reshape(rows, -1)
    first = sum(store[begin:begin + count].sum(dtype=np.float64)
                for begin, count, _, _ in (index[image] for image in sorted(index)[:256]))
    print(json.dumps({"what": "pack", "seconds": seconds, "images": len(index), "sum": float(first)}))


if __name__ == "__main__":
    main()
