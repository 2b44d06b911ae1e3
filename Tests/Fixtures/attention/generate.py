"""Wrote the file of this folder: what networks attended to on batches of the other fixtures.

    python generate.py      with PyTorch 2.11, transformers 4.57.6 and safetensors

RWSAN and MCAN are the peers of Benchmarks/peers, which keep no weights, so that this script looks at what goes through
their parts; ViLT and LXMERT are transformers' own. Names: MODEL.CHOICE.words and MODEL.CHOICE.regions, padded, where
CHOICE is output, layerN (the mean of its heads) or layerN.headM, both from 1.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import torch
from safetensors.torch import load_file, save_file

FOLDER = Path(__file__).parent
FIXTURES = FOLDER.parent
sys.path.insert(0, str(FIXTURES.parent.parent / "Benchmarks" / "peers"))

import mcan_torch  # noqa: E402
import rwsan_torch  # noqa: E402

tensors = {}


class Pool(rwsan_torch.Pool):
    """Several glimpses side by side, and what they weigh rows by."""

    def __init__(self, c):
        super().__init__(c)
        self.mlp = rwsan_torch.MLP(c.hidden, c.flat_mlp, c.glimpses, c.dropout)
        self.linear_merge = torch.nn.Linear(c.hidden * c.glimpses, c.flat_out)

    def forward(self, x, mask):
        weights = self.mlp(x).masked_fill(mask[:, 0, 0, :, None], -5e4).softmax(1)  # [B, L, glimpses]
        self.seen = weights.mean(2)
        return self.linear_merge((weights[..., None] * x[:, :, None]).sum(1).flatten(1))


def watched(kind):
    """The guided attention, with what its heads look at noted each time."""

    class Watched(kind):
        def forward(self, source, query, mask):
            k, q = self.split(self.linear_k(source)), self.split(self.linear_q(query))
            score = (q @ k.transpose(-1, -2) / q.size(-1) ** 0.5).masked_fill(mask, -5e4)
            self.seen.append(score.softmax(-1))
            return super().forward(source, query, mask)

    return Watched


def share(weights):
    return weights / weights.sum(-1, keepdim=True)


def keep(name, words, regions):
    tensors[f"{name}.words"], tensors[f"{name}.regions"] = words.contiguous(), regions.contiguous()


def pooled(name, model, units, image, question):
    """`units` are the guided attentions in the order in which they are gone through."""
    for unit in units:
        unit.__class__ = watched(type(unit))
        unit.seen = []
    with torch.no_grad():
        tensors[f"{name}.logits"] = model(image, question)
    words, regions = model.attflat_lang.seen, model.attflat_img.seen
    keep(f"{name}.output", words, regions)
    seen = units[0].seen if len(units) == 1 else [unit.seen[0] for unit in units]
    # Rows of the padding count for nothing: pooling weighs them by zero. As lookers they are left out.
    there = (image.abs().sum(-1) > 0).float()
    there[there.sum(1) == 0, 0] = 1
    for layer, weights in enumerate(seen, 1):
        heads = {f".head{head}": weights[:, head - 1] for head in range(1, weights.size(1) + 1)}
        for head, one in {"": weights.mean(1), **heads}.items():
            keep(
                f"{name}.layer{layer}{head}", (one * regions[:, :, None]).sum(1),
                share((one * words[:, None]).sum(2) * there))


def rwsan():
    c = SimpleNamespace(
        word_embed=300, image_feat=24, hidden=32, heads=4, layers=2, rank_question=4, rank_image=8, rank_guided=16,
        flat_mlp=16, flat_out=64, dropout=0.0, glimpses=1)
    weights = torch.load(
        FIXTURES / "mini/ckpts/epoch2.pkl", map_location="cpu", weights_only=False)["state_dict"]
    c.token_size, c.answer_size = weights["embedding.weight"].size(0), weights["proj.bias"].size(0)
    model = rwsan_torch.RWSAN(c)
    model.attflat_img, model.attflat_lang = Pool(c), Pool(c)
    model.load_state_dict(weights)
    torch.manual_seed(4)
    image, question = torch.zeros(3, 7, 24), torch.zeros(3, 5, dtype=torch.long)
    for row, (regions, words) in enumerate([(7, 4), (3, 5), (1, 1)]):
        image[row, :regions] = torch.rand(regions, 24) * 4
        question[row, :words] = torch.randint(2, c.token_size, (words,))
    tensors["rwsan.image"], tensors["rwsan.question"] = image, question
    pooled("rwsan", model.eval(), [model.RWSA_layer.sgrwsa.dec1.mhatt2], image, question)


class Adapter(torch.nn.Module):
    """openvqa's, which is told where regions lie."""

    def __init__(self, c, boxes):
        super().__init__()
        self.bbox_linear = torch.nn.Linear(5, c.box_width)
        self.frcn_linear = torch.nn.Linear(c.image_feat + c.box_width, c.hidden)
        area = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
        self.places = torch.cat([boxes, area[..., None]], 2)

    def forward(self, image):
        return self.frcn_linear(torch.cat([image, self.bbox_linear(self.places)], 2))


def mcan():
    """Two glimpses; a question without a word and an image without a region among them."""
    fixture = FIXTURES / "zoo/models/mcan_vqa_boxes"
    batch, expected = load_file(fixture / "batch.safetensors"), json.loads((fixture / "expected.json").read_text())
    s, sizes = expected["settings"], expected["sizes"]
    c = SimpleNamespace(
        token_size=sizes["words"], answer_size=sizes["answers"], word_embed=s["word_embed_size"],
        image_feat=sizes["width"], hidden=s["hidden_size"], heads=s["multi_head"], layers=s["layer"],
        feed_forward=s["ff_size"], flat_mlp=s["flat_mlp_size"], flat_out=s["flat_out_size"], dropout=0.0,
        glimpses=s["flat_glimpses"], box_width=s["bboxfeat_emb_size"])
    model = mcan_torch.MCAN(c)
    model.adapter = Adapter(c, batch["boxes"])
    model.attflat_img, model.attflat_lang = Pool(c), Pool(c)
    model.load_state_dict(torch.load(fixture / "checkpoint.pkl", map_location="cpu", weights_only=False)["state_dict"])
    pooled(
        "mcan", model.eval(), [unit.mhatt2 for unit in model.backbone.dec_list], batch["regions"], batch["question"])
    assert (tensors["mcan.logits"] - batch["logits"]).abs().max() < 1e-4


def first_rows(name, layers, words):
    """`layers` have [1, heads, rows, rows] twice: at words, and at regions; or once, at both. Of it, row 0 counts."""
    for layer, weights in enumerate(layers, 1):
        to_words, to_regions = weights if isinstance(weights, tuple) else (
            weights[..., :words], weights[..., words + 1:])
        for head, pick in [("", lambda x: x.mean(1)), *((f".head{h + 1}", lambda x, h=h: x[:, h]) for h in range(4))]:
            keep(f"{name}.layer{layer}{head}", share(pick(to_words)[:, 0]), share(pick(to_regions)[:, 0]))
    keep(f"{name}.output", tensors[f"{name}.layer{len(layers)}.words"], tensors[f"{name}.layer{len(layers)}.regions"])


def vilt():
    import transformers

    model = transformers.ViltForQuestionAnswering.from_pretrained(FIXTURES / "hub/vilt", attn_implementation="eager")
    # Patches in the order of the picture: transformers draws one.
    draw, torch.multinomial = torch.multinomial, lambda weights, count, **_: torch.arange(count)
    for case in ["single", "single_b"]:
        inputs = {
            key: tensor for key, tensor in cases("vilt", case).items()
            if key in ["input_ids", "attention_mask", "token_type_ids", "pixel_values", "pixel_mask"]}
        inputs["input_ids"] = inputs["input_ids"].long()
        with torch.no_grad():
            found = model(**inputs, output_attentions=True)
        assert (found.logits - cases("vilt", case)["logits"]).abs().max() < 1e-5
        first_rows(f"vilt.{case}", found.attentions, inputs["input_ids"].size(1))
    torch.multinomial = draw


def lxmert():
    import transformers

    model = transformers.LxmertForQuestionAnswering.from_pretrained(FIXTURES / "hub/lxmert").eval()
    for case in ["single", "few"]:
        tensors_of_case = cases("lxmert", case)
        seen = []
        for layer in model.lxmert.encoder.x_layers:
            note(layer.visual_attention.att, seen)
            note(layer.lang_self_att.self, seen)
        with torch.no_grad():
            found = model(
                input_ids=tensors_of_case["input_ids"].long(), attention_mask=tensors_of_case["attention_mask"].long(),
                visual_feats=tensors_of_case["visual_feats"], visual_pos=tensors_of_case["visual_pos"])
        assert (found.question_answering_score - tensors_of_case["logits"]).abs().max() < 1e-5
        # Of each layer: words at regions, regions at words, words at words.
        layers = [(seen[start + 2], seen[start]) for start in range(0, len(seen), 3)]
        first_rows(f"lxmert.{case}", layers, None)
        for layer in model.lxmert.encoder.x_layers:
            layer.visual_attention.att.forward = layer.visual_attention.att.unwatched
            layer.lang_self_att.self.forward = layer.lang_self_att.self.unwatched


def note(attention, seen):
    """Asks for the weights each time, which the layers of transformers do not all hand on."""
    attention.unwatched = attention.forward

    def forward(*args, **kwargs):
        kwargs["output_attentions"] = True
        context, weights = attention.unwatched(*args[:3], **kwargs)[:2]
        seen.append(weights)
        return (context,)

    attention.forward = forward


def cases(model, case):
    found = load_file(FIXTURES / f"hub/{model}_cases.safetensors")
    return {name[len(case) + 1:]: tensor for name, tensor in found.items() if name.startswith(case + ".")}


rwsan()
mcan()
vilt()
lxmert()
save_file({name: tensor.clone() for name, tensor in tensors.items()}, FOLDER / "attention.safetensors")
print(len(tensors), "tensors")
