"""Makes tests/fixtures/bpe.json: the merges that Hugging Face's `tokenizers` learns from sentences, and how it then cuts others.

Usage: python make_tokenizer.py (with tokenizers)
"""
import json
import random
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

WORDS = "a o um uma ficheiro ficheiros abrir fechar guardar guardado não está em de da do das dos célula células código notebook núcleo kernel executar execução executada erro erros João coração ação ações São ÚLTIMA Última linha linhas 42 1.5 100% (x) e/ou naïve".split()
rng = random.Random(5)
texts = [" ".join(rng.choices(WORDS, k=rng.randint(2, 9))) + rng.choice([".", "?", "…", "!", ""]) for _ in range(300)]
# spaces in a row, a space in front
texts += ["duas  vezes", " começa com espaço", "fim "]
held = ["guardar a última célula", "ações não executadas", "unknown words zyx", "coração", "  dois espaços  "]
out = {"texts": texts, "held": held, "cases": []}
for size, least in ((160, 2), (260, 3)):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size, min_frequency=least, special_tokens=["<pad>", "<unk>", "</s>"], show_progress=False))
    model = json.loads(tokenizer.to_str())["model"]
    encoded = [tokenizer.encode(text).ids for text in held]
    out["cases"].append({"size": size, "least": least, "vocab": model["vocab"], "merges": model["merges"], "ids": encoded, "decoded": [tokenizer.decode(ids) for ids in encoded]})
(Path(__file__).parent.parent / "fixtures" / "bpe.json").write_text(json.dumps(out, ensure_ascii=False, separators=(",", ":")) + "\n")
print([len(case["merges"]) for case in out["cases"]])
