"""Loads a fine-tuned model with transformers, and for ViLT prints the score of every answer to a question.

    python3 answer.py FOLDER [PICTURE QUESTION]

Holds that no tensor is missing or left over.
"""

import json
import sys

import torch
import transformers

folder, *asked = sys.argv[1:]
architecture = transformers.AutoConfig.from_pretrained(folder).architectures[0]
model, found = getattr(transformers, architecture).from_pretrained(folder, output_loading_info=True)
assert not any(found.values()), found
tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
if asked:
    from PIL import Image

    picture, question = asked
    processor = transformers.ViltProcessor(transformers.ViltImageProcessor.from_pretrained(folder), tokenizer)
    inputs = processor(Image.open(picture), question, return_tensors="pt")
    with torch.no_grad():
        scores = torch.sigmoid(model.eval()(**inputs).logits)[0]
    print(json.dumps({model.config.id2label[number]: score.item() for number, score in enumerate(scores)}))
