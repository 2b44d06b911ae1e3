"""Makes fine_tune.safetensors: steps of training of the small ViLT and LXMERT by transformers and torch.optim.AdamW.

    python3 fine_tune.py

Without dropout, on two of the recorded cases each. Of every parameter it keeps the first gradient and what it is after
four steps, of large ones each fifth number. transformers 4.57.6, torch 2.11.0.
"""

from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file

HERE = Path(__file__).parent
CASES = {"vilt": ("single", "single_b"), "lxmert": ("single", "few")}
TARGETS = torch.zeros(2, 15)
for row, answer, score in [(0, 1, 1.0), (0, 4, 0.6), (1, 9, 0.3), (1, 14, 0.9)]:
    TARGETS[row, answer] = score


def kept(tensor):
    flat = tensor.detach().reshape(-1)
    return (flat if flat.numel() <= 1000 else flat[::5]).clone()


def loss(name, model, cases):
    """Of both questions, summed over questions and answers."""
    total = 0
    for case, targets in zip(CASES[name], TARGETS):
        inputs = {
            key: cases[f"{case}.{key}"]
            for key in ("input_ids", "attention_mask", "pixel_values", "visual_feats", "visual_pos")
            if f"{case}.{key}" in cases
        }
        inputs["input_ids"] = inputs["input_ids"].long()
        if name == "vilt":
            total = total + model(**inputs, labels=targets[None]).loss
        else:
            logits = model(**inputs).question_answering_score
            total = total + torch.nn.functional.binary_cross_entropy_with_logits(
                logits, targets[None], reduction="sum")
    return total


made = {"targets": TARGETS}
for name, kind in [
    ("vilt", transformers.ViltForQuestionAnswering), ("lxmert", transformers.LxmertForQuestionAnswering),
]:
    torch.manual_seed(0)
    cases = load_file(HERE / f"{name}_cases.safetensors")
    model = kind.from_pretrained(
        HERE / name, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    model.train()
    named = list(model.named_parameters())
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for _, p in named if p.dim() > 1], "weight_decay": 0.1},
            {"params": [p for _, p in named if p.dim() <= 1], "weight_decay": 0.0},
        ],
        lr=1e-3, betas=(0.9, 0.98), eps=1e-8)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, 2, 6)
    losses, rates = [], []
    for step in range(4):
        optimizer.zero_grad()
        value = loss(name, model, cases)
        value.backward()
        if step == 0:
            for key, parameter in named:
                if parameter.grad is not None:
                    made[f"{name}.gradient.{key}"] = kept(parameter.grad)
        losses.append(value.item())
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    made[f"{name}.losses"] = torch.tensor(losses)
    made[f"{name}.rates"] = torch.tensor(rates, dtype=torch.float64)
    for key, parameter in named:
        made[f"{name}.after.{key}"] = kept(parameter)
    print(name, losses, rates)
save_file(made, HERE / "fine_tune.safetensors")
