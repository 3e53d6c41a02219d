"""Loads saved folders as a user of transformers and peft would, and prints what they give. stdin: a list of {folder, inputs, adapter?, auto, texts?}."""
import json
import sys
import warnings

import torch
import transformers
from transformers import AutoTokenizer

warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()


def run(case):
    auto = getattr(transformers, case["auto"])
    model, info = auto.from_pretrained(case["folder"], trust_remote_code=True, output_loading_info=True)
    result = {"class": type(model).__name__, "missing": sorted(info["missing_keys"]), "unexpected": sorted(info["unexpected_keys"]), "labels": model.config.id2label}
    if "adapter" in case:
        from peft import PeftModel

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = PeftModel.from_pretrained(model, case["adapter"])
        result["warnings"] = [str(one.message) for one in caught if "missing" in str(one.message).lower()]
    model.eval()
    inputs = {name: torch.tensor(value["data"], dtype=getattr(torch, value["dtype"])).reshape(value["shape"]) for name, value in case["inputs"].items()}
    with torch.no_grad():
        out = model(**inputs)
    value = out.logits if hasattr(out, "logits") else out.last_hidden_state
    result["shape"], result["output"] = list(value.shape), value.flatten().tolist()
    if "adapter" in case:
        model = model.merge_and_unload()
        with torch.no_grad():
            result["merged"] = model(**inputs).logits.flatten().tolist()
    if "texts" in case:
        result["ids"] = AutoTokenizer.from_pretrained(case["folder"])(case["texts"])["input_ids"]
    return result


json.dump([run(case) for case in json.load(sys.stdin)], sys.stdout)
