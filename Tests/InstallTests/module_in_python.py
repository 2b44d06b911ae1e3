"""What the module `rwsan` has to give, held against torch and numpy, in the Python that it is installed in.

    python3 module_in_python.py TEST ARGUMENTS...        test_wheel.py gives them
"""

import ctypes
import json
import os
import shutil
import struct
import sys
from pathlib import Path

import rwsan

# Not imported with the module: the command does without.
assert "torch" not in sys.modules

import numpy
import torch
from torch.utils.data import DataLoader


def same(ours, theirs):
    assert list(ours.shape) == list(theirs.shape) and ours.dtype == theirs.dtype, (ours.shape, theirs.shape, ours.dtype)
    assert torch.equal(ours, theirs)


def refused(use, *parts):
    """Holds that something is refused with a FileError of one line that has these parts."""
    try:
        use()
    except rwsan.FileError as error:
        line = str(error)
        assert "\n" not in line, line
        for part in parts:
            assert part in line, line
        return
    raise AssertionError(f"expected a FileError with {parts}")


def weights(official, exported, checkpoint, published):
    """Of an official checkpoint that was exported, of one of ours, and of a model in transformers' form."""
    theirs = torch.load(official, map_location="cpu", weights_only=False)["state_dict"]
    ours = rwsan.load_state_dict(exported)
    assert set(ours) == set(theirs), set(ours) ^ set(theirs)
    for name, tensor in theirs.items():
        same(ours[name], tensor)
    trained = rwsan.load_state_dict(checkpoint)
    assert set(trained) == set(theirs), set(trained) ^ set(theirs)
    assert all(tensor.dtype == torch.float32 for tensor in trained.values())
    folder = Path(published)
    theirs = torch.load(folder / "pytorch_model.bin", map_location="cpu", weights_only=True)
    ours = rwsan.load_state_dict(folder / "model.safetensors")
    assert ours
    for name, tensor in ours.items():
        same(tensor, theirs[name])
    # A checkpoint that a disk or a copy has damaged names the tensor; so do its settings.
    content = bytearray(Path(checkpoint).read_bytes())
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    begin = header["proj.weight"]["data_offsets"][0]
    damaged = Path(checkpoint).with_name("damaged.safetensors")
    content[8 + length + begin] ^= 1
    damaged.write_bytes(content)
    refused(lambda: rwsan.load_state_dict(damaged), str(damaged), "'proj.weight' with the checksum", "is damaged")
    content[8 + length + begin] ^= 1
    content[content.index(b"hidden_size")] ^= 1
    damaged.write_bytes(content)
    refused(lambda: rwsan.load_state_dict(damaged), str(damaged), "metadata with the checksum")
    renamed(checkpoint, damaged, '"checksum"', '"checksun"')
    refused(lambda: rwsan.load_state_dict(damaged), str(damaged), "metadata with the checksum")
    renamed(checkpoint, damaged, '"proj.weight":{', '"proj.weighs":{')
    refused(lambda: rwsan.load_state_dict(damaged), str(damaged), "'proj.weight', which has a checksum")
    damaged.unlink()


def renamed(path, target, old, new):
    """A copy of a file with another text of the same length in its header."""
    content = Path(path).read_bytes()
    assert content.count(old.encode()) == 1 and len(old) == len(new), content.count(old.encode())
    target.write_bytes(content.replace(old.encode(), new.encode()))


def damaged(path, folder):
    """Files of tensors that are cut off, damaged, or made to do harm."""
    whole = Path(path).read_bytes()
    target = Path(folder) / "made.safetensors"

    def check(content, *parts):
        target.write_bytes(content)
        refused(lambda: rwsan.load_state_dict(target), str(target), *parts)

    def made(header, content=b""):
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + content

    def entry(shape, begin, end, dtype="F32"):
        return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}

    for length in [1, 7, 8, 100]:
        check(whole[:length], "a header of safetensors")
    check(whole[:-1], "cut off or damaged")
    check(b"", "an empty file")
    check(struct.pack("<Q", 2**63) + bytes(100), "a header of safetensors")
    check(struct.pack("<Q", 4) + b"nope", "a header of safetensors")
    check(struct.pack("<Q", 100_000) + b"[" * 100_000, "a header of safetensors")
    check(made([1]), "a header of safetensors")
    check(made({}), "expected weights, found none")
    check(made({"__metadata__": {"a": 1}}), "texts as metadata")
    for wrong in [1, {}, entry([-1], 0, 4), entry([True], 0, 4), entry([1.0], 0, 4), entry([1], 0, "4"), entry(1, 0, 4),
                  entry([1], 0, 4, "F8"), entry([1], 0, 4, []), entry([2**62, 2**62, 0], 0, 0), entry([1] * 65, 0, 4)]:
        check(made({"w": wrong}, bytes(4)), "type, shape and place of 'w'")
    check(made({"w": entry([2], 0, 4)}, bytes(8)), "'w' of float32 [2]")
    check(made({"w": entry([2], 4, 12)}, bytes(8)), "cut off or damaged")
    check(made({"a": entry([2], 0, 8), "b": entry([1], 4, 8)}, bytes(8)), "one behind the other", "'b'")
    check(made({"a\n": entry([2], 0, 9)}, bytes(9)), "'a\\n'")
    refused(lambda: rwsan.load_state_dict(folder), "model.safetensors", "No such file")
    # Empty tensors and single numbers are tensors, too, wherever they lie.
    target.write_bytes(made({"b": entry([], 0, 4), "a": entry([0, 7], 0, 0)}, struct.pack("<f", 1.5)))
    state = rwsan.load_state_dict(target)
    same(state["b"], torch.tensor(1.5))
    same(state["a"], torch.empty(0, 7))


def store(path, folder, precision):
    """Against the official files that a store was packed from, in this process and in workers of a DataLoader."""
    found = rwsan.FeatureStore(path)
    dtype = getattr(torch, precision)
    assert found.dtype == dtype
    expected = {}
    for file in Path(folder).glob("*.npz"):
        with numpy.load(file) as arrays:
            features = torch.from_numpy(numpy.ascontiguousarray(arrays["x"].T)).to(dtype)
            boxes = torch.from_numpy(arrays["bbox"].astype(numpy.float32))
            size = (int(arrays["image_h"]), int(arrays["image_w"]))
        expected[int(file.name.split("_")[-1].split(".")[0])] = (features, boxes, size)
    assert len(found) == len(expected) == len(found.image_ids)

    def check(items):
        seen = set()
        for item in items:
            features, boxes, size = expected[item.image_id]
            same(item.features, features)
            same(item.boxes, boxes)
            assert tuple(item.size) == size, (item.size, size)
            assert item.features.shape[1] == found.width
            seen.add(item.image_id)
        assert seen == set(expected)

    check(found[index] for index in range(len(found)))
    assert [item.image_id for item in found] == found.image_ids
    assert found[-1].image_id == found.image_ids[-1]
    for index in [len(found), -len(found) - 1]:
        try:
            found[index]
        except IndexError:
            continue
        raise AssertionError("expected an IndexError")
    # What is changed is the item, and not the store.
    found[0].features.zero_()
    check(found[index] for index in range(len(found)))
    for method in ["fork", "spawn"]:
        check(DataLoader(found, batch_size=None, num_workers=2, multiprocessing_context=method))
        batches = DataLoader(found, batch_size=4, shuffle=True, num_workers=2, collate_fn=list, multiprocessing_context=method)
        check(item for batch in batches for item in batch)


def named(path):
    """Images that are known by texts, and those whose names are numbers."""
    found = rwsan.FeatureStore(path)
    names = [f"{['n', '', '00'][number % 3]}{number + 1}" for number in range(len(found))]
    expected = {int(name) if name.isdecimal() and name[0] != "0" else name for name in names}
    assert set(found.image_ids) == expected, found.image_ids
    assert all(len(item.features) == len(item.boxes) for item in found)


def damaged_store(path):
    """Stores that are not whole, or not what their index says."""
    folder = Path(path).with_name("damaged.packed")

    def copied():
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(path, folder)
        return folder / "index.json", folder / "shard-00000.safetensors"

    def check(*parts):
        refused(lambda: rwsan.FeatureStore(folder), str(folder), *parts)

    index, _ = copied()
    text = index.read_text()
    index.unlink()
    check("a feature store", "no index.json")
    for other in ["", "[]", "{}", "\xff", text[:-20], text.replace('"width" : 24', '"width" : -24'),
                  text.replace('"float16"', '"int8"'), text.replace('"file" : "', '"file" : "../')]:
        index.write_text(other)
        check("the index of a feature store")
    index.write_text(text.replace("rwsan feature store", "rwsan feature shop"))
    check("pack it again")
    twice = json.loads(text)
    twice["shards"] *= 2
    index.write_text(json.dumps(twice))
    check("every file once", "a second time")
    index.write_text(text.replace('"width" : 24', '"width" : 25'))
    check("'features' of float16", ", 25]")
    stated = json.loads(text)
    index.write_text(json.dumps({**stated, "imageCount": 3}))
    check("3 images")
    index.write_text(json.dumps({**stated, "shards": stated["shards"] * 2}))
    check("every image once")
    _, shard = copied()
    content = shard.read_bytes()
    shard.write_bytes(content[:-1])
    check("cut off or damaged")
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    for tensor, part in [("offset", "to rise from 0"), ("image_name_offset", "to rise from 0"), ("size", "in pixels")]:
        changed = bytearray(content)
        begin = 8 + length + header[tensor]["data_offsets"][0]
        changed[begin : begin + 16] = b"\xff" * 16
        shard.write_bytes(changed)
        check(f"'{tensor}' {part}")
    shard.unlink()
    check("No such file")
    shutil.rmtree(folder)


def cuda_library(path):
    """Everything that it refers to is in torch's libraries for CUDA, which are loaded before it."""
    libraries = Path(torch.__file__).parent / "lib"
    ctypes.CDLL(libraries / "libtorch_cuda.so", ctypes.RTLD_GLOBAL)
    assert ctypes.CDLL(path, os.RTLD_NOW).ctorch_cuda_graph_begin


if __name__ == "__main__":
    name, *given = sys.argv[1:]
    globals()[name.replace("-", "_")](*given)
