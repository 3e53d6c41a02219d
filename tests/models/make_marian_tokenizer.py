"""Makes tests/fixtures/marian_tokenizer.json: two small sentencepiece models, the vocabulary over both, and what transformers' MarianTokenizer makes of texts.

Usage: python make_marian_tokenizer.py (with sentencepiece and transformers)
"""
import base64
import json
import random
import tempfile
from pathlib import Path

import sentencepiece
from transformers import MarianTokenizer

EN = "open close the a file files cell cells notebook kernel restart interrupt selected cannot be saved moved running is not and of to with without error errors 42 1.5 (beta)".split()
PT = "abrir fechar o a ficheiro ficheiros célula células notebook núcleo reiniciar interromper selecionada não pode ser guardado movida em execução é e de para com sem erro erros 42 1,5 (beta)".split()
rng = random.Random(3)
lines = lambda words: [" ".join(rng.choices(words, k=rng.randint(3, 9))).capitalize() + rng.choice([".", "", "?"]) for _ in range(400)]
folder = Path(tempfile.mkdtemp())
for side, words in (("source", EN), ("target", PT)):
    (folder / f"{side}.txt").write_text("\n".join(lines(words)))
    sentencepiece.SentencePieceTrainer.train(input=str(folder / f"{side}.txt"), model_prefix=str(folder / side), vocab_size=95, model_type="unigram", bos_id=-1, pad_id=-1, eos_id=0, unk_id=1, minloglevel=2)
    (folder / f"{side}.model").rename(folder / f"{side}.spm")
vocab = {"</s>": 0, "<unk>": 1}
for side in ("target", "source"):  # pieces of both in one numbering, as Marian's vocabularies are
    spm = sentencepiece.SentencePieceProcessor(str(folder / f"{side}.spm"))
    for i in range(spm.get_piece_size()):
        vocab.setdefault(spm.id_to_piece(i), len(vocab))
vocab[">>pt<<"] = len(vocab)
vocab["<pad>"] = len(vocab)
(folder / "vocab.json").write_text(json.dumps(vocab))
tokenizer = MarianTokenizer(str(folder / "source.spm"), str(folder / "target.spm"), str(folder / "vocab.json"))
source = ["Open the notebook.", "The kernel cannot be restarted", "errors (beta) 42", "  two   spaces  ", "qqq ÿ ☃", "ﬁle ①", ">>pt<< close the file", "célula"]
target = ["Abrir o notebook.", "O núcleo não pode ser reiniciado", "  dois   espaços ", "execução é", "☃ file"]
written = [tokenizer(text_target=text)["input_ids"] for text in target]
read = lambda name: base64.b64encode((folder / name).read_bytes()).decode()
out = {"source.spm": read("source.spm"), "target.spm": read("target.spm"), "vocab": vocab, "source": source, "source_ids": [tokenizer(text)["input_ids"] for text in source], "target": target, "target_ids": written,
       "decoded": [tokenizer.decode(ids, skip_special_tokens=True) for ids in written]}
(Path(__file__).parent.parent / "fixtures" / "marian_tokenizer.json").write_text(json.dumps(out, ensure_ascii=False, separators=(",", ":")) + "\n")
print(out["source_ids"], out["decoded"])
