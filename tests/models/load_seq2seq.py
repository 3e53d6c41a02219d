"""Loads a saved encoder–decoder through transformers and says what it computes. JSON in: folder, ids, mask, written; JSON out: class, scores, texts, missing weights."""
import json
import sys

import torch
from transformers import AutoModelForSeq2SeqLM

given = json.load(sys.stdin)
model, info = AutoModelForSeq2SeqLM.from_pretrained(given["folder"], output_loading_info=True)
ids, mask = torch.tensor(given["ids"]), torch.tensor(given["mask"])
with torch.no_grad():
    scores = model.eval()(input_ids=ids, attention_mask=mask, decoder_input_ids=torch.tensor(given["written"])).logits
    texts = model.generate(input_ids=ids, attention_mask=mask, num_beams=3, max_length=given["longest"] + 1, do_sample=False)
print(json.dumps({"class": type(model).__name__, "scores": scores.tolist(), "texts": texts[:, 1:].tolist(), "missing": sorted(info["missing_keys"]), "unexpected": sorted(info["unexpected_keys"])}))
