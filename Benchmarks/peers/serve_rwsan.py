"""The peer of `rwsan serve`: the same RWSAN in eager PyTorch, behind FastAPI and uvicorn with one worker.

  python serve_rwsan.py make FOLDER             a model of the released size with random weights, as `--model` of rwsan
                                                takes it, and features of some images, as .npz
  python serve_rwsan.py serve FOLDER --port N   answers POST /v1/answers as rwsan does, as far as Benchmarks/serving asks

Needs torch and numpy; `serve` needs fastapi and uvicorn too. Questions are answered one after the other, each on all
cores: several at once would fight for them.
"""
import argparse
import base64
import hashlib
import io
import json
import pathlib
import re
import threading

import numpy as np
import torch

from rwsan_torch import RWSAN, Config, write_safetensors

IMAGES = 16


def make(folder):
    """Writes the model and the features."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    c = Config()
    write_safetensors(folder / "model.safetensors", RWSAN(c).state_dict())
    words = ["PAD", "UNK"] + [f"word{number}" for number in range(2, c.token_size)]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["RWSAN"], "model_type": "rwsan", "rwsan_format": 1, "model": "rwsan",
        "id2label": {str(number): f"answer{number}" for number in range(c.answer_size)}}))
    lengths = json.loads((pathlib.Path(__file__).parent.parent / "batch.json").read_text())["regions"]
    random = np.random.default_rng(0)
    for number, count in enumerate(lengths[:IMAGES]):
        np.savez(folder / f"image{number:02}.npz", x=random.random((c.image_feat, count), dtype=np.float32),
                 bbox=random.random((count, 4), dtype=np.float32) * 400, image_h=np.int64(480), image_w=np.int64(640),
                 num_bbox=np.int64(count))


def serve(folder, port):
    """Answers until the process is ended."""
    import uvicorn
    from fastapi import FastAPI, HTTPException
    from pydantic import BaseModel

    net = RWSAN(Config()).eval()
    net.load_state_dict(weights(folder / "model.safetensors"))
    numbers = {word: number for number, word in enumerate((folder / "vocab.txt").read_text().split("\n"))}
    labels = json.loads((folder / "config.json").read_text())["id2label"]
    kept, turn = {}, threading.Lock()

    class Asked(BaseModel):
        questions: list[str]
        features: str | None = None
        pictureId: str | None = None
        top: int = 3
        regions: bool = True

    app = FastAPI()

    @app.post("/v1/answers")
    def answer(asked: Asked):
        if asked.features is not None:
            content = base64.b64decode(asked.features)
            name = hashlib.sha256(content).hexdigest()
            if name not in kept:
                file = np.load(io.BytesIO(content))
                kept[name] = torch.from_numpy(file["x"].T.copy())
        else:
            name = asked.pictureId
        if name not in kept:
            raise HTTPException(404)
        answers = []
        for question in asked.questions:
            words = [numbers.get(word, 1) for word in re.sub(r"[.,'!?\"()*#:;]", "", question.lower()).split()]
            with turn, torch.inference_mode():
                scores = net(kept[name][None], torch.tensor([words[:14]])).sigmoid()[0]
            best = scores.topk(asked.top)
            answers.append({"question": question, "answers": [
                {"answer": labels[str(int(place))], "score": float(score)}
                for score, place in zip(best.values, best.indices)]})
        return {"pictureId": name, "answers": answers}

    uvicorn.run(app, host="127.0.0.1", port=port, workers=1, log_level="error", access_log=False)


def weights(path):
    """The tensors of a safetensors file of float32."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header, body = json.loads(content[8: 8 + length]), content[8 + length:]
    return {name: torch.from_numpy(np.frombuffer(body[slice(*entry["data_offsets"])], np.float32)
                                   .reshape(entry["shape"]).copy())
            for name, entry in header.items() if name != "__metadata__"}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["make", "serve"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--port", type=int, default=8081)
    options = parser.parse_args()
    make(options.folder) if options.what == "make" else serve(options.folder, options.port)
