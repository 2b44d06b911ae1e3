"""Writes made-up region features in the official form: a folder of .npz files, and an archive of it beside it.

  python make_features.py FOLDER [--images 3000]

Adaptive bottom-up features: 10 to 100 regions an image, 39 on average, 2,048 numbers each, of which some are zero and
none negative; compressed, they take two thirds to three quarters of their size, like real ones. FOLDER.tar.gz holds
the folder. Needs nothing but Python.
"""
import argparse
import array
import io
import pathlib
import random
import struct
import tarfile
import zipfile

WIDTH = 2048


def npy(shape, kind, data):
    """The bytes of a .npy file."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


class Features:
    """Draws images' features; the same seed draws the same."""

    def __init__(self, seed=0):
        self.rng = random.Random(seed)
        # One of 65,536 numbers each: drawing as many bytes is much faster than drawing numbers.
        self.table = [0.0 if self.rng.random() < 0.3 else self.rng.expovariate(1.5) for _ in range(65536)]

    def numbers(self, count):
        return array.array("f", map(self.table.__getitem__, array.array("H", self.rng.randbytes(2 * count))))

    def image(self):
        """The bytes of an image's .npz file, as numpy.savez_compressed would write it."""
        count = min(100, max(10, int(self.rng.gauss(39, 17))))
        boxes = array.array("f")
        for _ in range(count):
            x, y = self.rng.uniform(0, 500), self.rng.uniform(0, 350)
            boxes.extend((x, y, x + self.rng.uniform(10, 140), y + self.rng.uniform(10, 130)))
        arrays = {"x": npy((WIDTH, count), "<f4", self.numbers(WIDTH * count).tobytes()),
                  "bbox": npy((count, 4), "<f4", boxes.tobytes()),
                  "num_bbox": npy((), "<i8", struct.pack("<q", count)),
                  "image_h": npy((), "<i8", struct.pack("<q", 480)),
                  "image_w": npy((), "<i8", struct.pack("<q", 640))}
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, contents in arrays.items():
                archive.writestr(zipfile.ZipInfo(name + ".npy", (1980, 1, 1, 0, 0, 0)), contents, zipfile.ZIP_DEFLATED)
        return file.getvalue()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--images", type=int, default=3000)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    features = Features()
    # What is in the files can hardly be compressed again.
    with tarfile.open(f"{options.folder}.tar.gz", "w:gz", compresslevel=1) as archive:
        for image in range(1, options.images + 1):
            name = f"COCO_{options.folder.name}_{image:012}.jpg.npz"
            (options.folder / name).write_bytes(features.image())
            archive.add(options.folder / name, f"{options.folder.name}/{name}")
    print(f"{options.images} images")


if __name__ == "__main__":
    main()
