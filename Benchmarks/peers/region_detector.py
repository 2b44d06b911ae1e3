#!/usr/bin/env python3
"""The peer of `rwsan extract --detector`: bottom-up attention in PyTorch, written to be read.

    region_detector.py weights FILE                  random weights of the released size
    region_detector.py pictures FOLDER               pictures that the network sees at 600 x 1000
    region_detector.py extract WEIGHTS PICTURES OUT  their regions; prints the seconds
    region_detector.py compare OURS PEER             how far apart the features are, as a share of the largest
"""
import argparse
import json
import pathlib
import time

import numpy as np
import torch
from PIL import Image

import butd_detector_torch as butd


def weights(args):
    """Random, but with numbers of the size that trained ones have: else those of 100 layers vanish or grow."""
    torch.manual_seed(0)
    net = butd.Detector(**butd.FULL)
    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    for block in (module for module in net.modules() if isinstance(module, butd.Bottleneck)):
        torch.nn.init.constant_(block.conv3.norm.weight, 0.3)

    def rescaled(layer, *inputs, to):
        """Gives a layer's results this deviation."""
        layer.weight.mul_(to / layer(*inputs).std())
        torch.nn.init.zeros_(layer.bias)

    net.train()
    with torch.no_grad():
        cells = net.res4(torch.randn(1, 3, 256, 256) * 60)
        head, scores = net.proposal_generator.rpn_head, net.roi_heads.box_predictor
        hidden = torch.nn.functional.relu(head.conv(cells))
        rescaled(head.objectness_logits, hidden, to=1.5)
        rescaled(head.anchor_deltas, hidden, to=0.2)
        boxes = torch.tensor([[0.0, 0, 200, 200], [30, 40, 250, 100], [100, 0, 140, 80]])
        features = net.roi_heads.res5(butd.roi_pool(cells, boxes, 14, 16)).mean((2, 3))
        rescaled(scores.cls_score, features - features.mean(), to=1.5)
    torch.save({"model": net.state_dict()}, args.paths[0])


def pictures(args):
    """Noise in several grains, so that there are things of all sizes."""
    folder = pathlib.Path(args.paths[0])
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for number in range(args.count):
        layers = [np.asarray(Image.fromarray(generator.integers(0, 256, (360 // grain, 600 // grain, 3), np.uint8))
                             .resize((600, 360), Image.BICUBIC), np.float32) for grain in (4, 20, 120)]
        Image.fromarray(np.mean(layers, 0).astype(np.uint8)).save(folder / f"COCO_val2014_{number + 1:012d}.png")


def extract(args):
    torch.set_num_threads(args.threads)
    start = time.perf_counter()
    path, folder, out = map(pathlib.Path, args.paths)
    net, settings = butd.load(path), butd.Settings()
    out.mkdir(parents=True)
    for picture in sorted(folder.iterdir()):
        bgr = butd.read_bgr(picture)
        found = {name: value.numpy() for name, value in butd.detect(net, bgr, settings).items()}
        np.savez_compressed(out / f"{picture.name}.npz", x=found["x"].T, bbox=found["bbox"],
                            num_bbox=len(found["keep"]), image_h=bgr.shape[0], image_w=bgr.shape[1])
    print(json.dumps({"seconds": time.perf_counter() - start}))


def compare(args):
    """By box, for scores of random weights lie so close that rounding decides their order."""
    ours, peer = map(pathlib.Path, args.paths)
    gaps, shares = [], []
    for path in sorted(peer.iterdir()):
        theirs, mine = np.load(path), np.load(ours / path.name)
        away = np.abs(theirs["bbox"][:, None] - mine["bbox"][None]).max(2)
        nearest, same = away.argmin(1), away.min(1) < 0.02
        shares.append(same.mean())
        gap = np.abs(theirs["x"].T[same] - mine["x"].T[nearest[same]]).max(initial=0)
        gaps.append(float(gap / np.abs(theirs["x"]).max()))
    print(json.dumps({"difference": max(gaps), "same_regions": float(np.mean(shares))}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("weights", "pictures", "extract", "compare"))
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--count", type=int, default=3)
    options = parser.parse_args()
    globals()[options.command](options)
