"""Makes tests/fixtures/generation.json: what transformers writes with the weights of the fixtures marian_seq2seq and t5_seq2seq.

Sources are random, also longer than those the models were trained on, so that beams differ and texts end by length.
Usage: python make_generation.py (with torch and transformers)
"""
import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import MarianConfig, MarianMTModel, T5Config, T5ForConditionalGeneration

torch.set_num_threads(1)
FIXTURES = Path(__file__).parent.parent / "fixtures"
PAD, END = 23, 0


def model_of(kind):
    if kind == "marian":
        model = MarianMTModel(MarianConfig(vocab_size=24, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=64, decoder_ffn_dim=64,
                              max_position_embeddings=32, activation_function="swish", scale_embedding=True, dropout=0.0, pad_token_id=PAD, eos_token_id=END, bos_token_id=0, decoder_start_token_id=PAD, forced_eos_token_id=None))
    else:
        model = T5ForConditionalGeneration(T5Config(vocab_size=24, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_decoder_layers=2, num_heads=4, relative_attention_num_buckets=8, relative_attention_max_distance=16,
                              feed_forward_proj="gated-gelu", dropout_rate=0.0, pad_token_id=PAD, eos_token_id=END, decoder_start_token_id=PAD, tie_word_embeddings=True))
    stored = load_file(str(FIXTURES / f"{kind}_seq2seq.safetensors"))
    weights = {key.split("/", 1)[1]: value for key, value in stored.items() if key.startswith(("param/", "buffer/"))}
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected and all("embed_tokens" in name or "lm_head" in name for name in missing), (missing, unexpected)
    model.tie_weights()
    return model.eval()


def sources():
    generator = torch.Generator().manual_seed(40)
    lengths = [2, 3, 5, 6, 9, 12, 4, 14]
    ids = torch.full((len(lengths), max(lengths) + 1), PAD)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(1, 20, (length,), generator=generator)
        ids[row, length] = END
    return ids


OPTIONS = [
    {"beams": 1, "maxLength": 20}, {"beams": 1, "maxLength": 4}, {"beams": 2, "maxLength": 20}, {"beams": 4, "maxLength": 20}, {"beams": 4, "maxLength": 20, "lengthPenalty": 0.2},
    {"beams": 4, "maxLength": 20, "lengthPenalty": 2.0}, {"beams": 3, "maxLength": 20, "earlyStopping": True}, {"beams": 5, "maxLength": 5}, {"beams": 3, "maxLength": 12, "lengthPenalty": -0.5},
]
out = {"source": sources().tolist(), "cases": []}
for kind in ("marian", "t5"):
    model = model_of(kind)
    ids = sources()
    for o in OPTIONS:
        model.generation_config.update(pad_token_id=PAD, eos_token_id=END, decoder_start_token_id=PAD, forced_eos_token_id=None, bad_words_ids=None)
        with torch.no_grad():
            written = model.generate(input_ids=ids, attention_mask=(ids != PAD).long(), num_beams=o["beams"], max_length=o["maxLength"] + 1, do_sample=False,
                                     length_penalty=o.get("lengthPenalty", 1.0), early_stopping=o.get("earlyStopping", False))
        rows = []
        for row in written.tolist():
            row = row[1:]
            row = row[: row.index(END)] if END in row else row
            rows.append(row)
        out["cases"].append({"family": kind, "options": o, "written": rows})
(FIXTURES / "generation.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
