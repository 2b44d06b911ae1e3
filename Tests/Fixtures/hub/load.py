"""Loads a published model with transformers: its weights, words and pictures.

    python3 load.py FOLDER LIKE

Holds that no tensor is missing, and that weights and pieces of a question are those of the folder LIKE.
"""

import sys

import torch
import transformers

folder, like = sys.argv[1:]
architecture = transformers.AutoConfig.from_pretrained(folder).architectures[0]
kind = getattr(transformers, architecture)
model, found = kind.from_pretrained(folder, output_loading_info=True)
expected = kind.from_pretrained(like)
assert not found["missing_keys"] and not found["mismatched_keys"], found
assert not found["unexpected_keys"], found
ours, theirs = model.state_dict(), expected.state_dict()
assert ours.keys() == theirs.keys()
for name, tensor in ours.items():
    assert torch.equal(tensor, theirs[name]), name
question = "Is the cat on the table?"
pieces = [transformers.AutoTokenizer.from_pretrained(place)(question).input_ids for place in (folder, like)]
assert pieces[0] == pieces[1], pieces
if architecture == "ViltForQuestionAnswering":
    transformers.ViltImageProcessor.from_pretrained(folder)
    assert model.config.id2label == expected.config.id2label
print(architecture, len(ours))
