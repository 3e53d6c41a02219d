"""Makes the fixtures of families that the shared ones do not cover, in their layout: param/, input/, output/, grad/, traj/<optimizer>/…

Every case also runs in float64; tolerances in the tests leave at least four times the difference that this prints.
Usage: python make_families.py [name …] (with torch, transformers and safetensors)
"""
import copy
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

torch.set_num_threads(1)
FIXTURES = Path(__file__).parent.parent / "fixtures"
OPTIMIZERS = {"sgd_small": lambda p: torch.optim.SGD(p, lr=0.005), "adamw_wd": lambda p: torch.optim.AdamW(p, lr=1e-3, weight_decay=0.1)}


def randomize(model, seed, scale=0.15):
    """Every parameter gets a value that matters: no gain of 1, no bias of 0."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            p.copy_(1 + 0.1 * noise if p.ndim == 1 and name.endswith("weight") else scale * noise)


def trained(model):
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def write(name, model, inputs, forward, keep="adamw_wd"):
    tensors = {f"param/{n}": p for n, p in model.named_parameters()} | {f"input/{k}": v for k, v in inputs.items()}
    doubles = {k: (v.double() if v.is_floating_point() else v) for k, v in inputs.items()}
    passes = []
    for m, i in ((copy.deepcopy(model), inputs), (copy.deepcopy(model).double(), doubles)):
        out = forward(m, i)
        out["loss"].backward()
        passes.append((out, {n: p.grad if p.grad is not None else torch.zeros_like(p) for n, p in trained(m).items()}))
    (o32, g32), (o64, g64) = passes
    apart = lambda a, b: max(float((a[k].detach().double() - b[k].detach()).abs().max()) for k in a)
    tensors |= {f"output/{k}": v for k, v in o32.items()} | {f"grad/{k}": v for k, v in g32.items()}
    drift = {}
    for optimizer, make in OPTIMIZERS.items():
        ends = []
        for m, i in ((copy.deepcopy(model), inputs), (copy.deepcopy(model).double(), doubles)):
            steps, losses = make(list(trained(m).values())), []
            for _ in range(5):
                steps.zero_grad()
                loss = forward(m, i)["loss"]
                loss.backward()
                steps.step()
                losses.append(loss.item())
            ends.append((torch.tensor(losses, dtype=torch.float64), trained(m)))
        (l32, p32), (l64, p64) = ends
        tensors[f"traj/{optimizer}/loss"] = l32.float()
        moved = {k: float((p32[k].detach().double() - p64[k].detach()).abs().max()) for k in p32}
        drift[optimizer] = (float((l32 - l64).abs().max()), max(v for v in moved.values() if v < 5e-5), [k for k, v in moved.items() if v >= 5e-5])
        if optimizer == keep:
            tensors |= {f"traj/{optimizer}/param/{n}": p for n, p in p32.items()}
    save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, str(FIXTURES / f"{name}.safetensors"), metadata={"fixture": name})
    print(name, "float32 against float64: output", apart(o32, o64), "gradient", apart(g32, g64), "trajectories", drift)


def encoder_decoder():
    """transformers' EncoderDecoderModel of two small BERTs of different width."""
    from transformers import BertConfig, EncoderDecoderConfig, EncoderDecoderModel
    common = dict(num_hidden_layers=2, num_attention_heads=4, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, attn_implementation="eager")
    encoder = BertConfig(vocab_size=60, hidden_size=32, intermediate_size=64, max_position_embeddings=40, type_vocab_size=2, **common)
    decoder = BertConfig(vocab_size=50, hidden_size=24, intermediate_size=48, max_position_embeddings=30, type_vocab_size=1, is_decoder=True, add_cross_attention=True, pad_token_id=0, **common)
    config = EncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    config.decoder_start_token_id, config.pad_token_id, config.eos_token_id = 0, 0, 2
    model = EncoderDecoderModel(config=config)
    if model.encoder.pooler is not None:
        model.encoder.pooler = None
    randomize(model, 50)
    model.eval()
    generator = torch.Generator().manual_seed(51)
    mask = torch.ones(3, 9, dtype=torch.int64)
    mask[1, 6:] = 0
    mask[2, 3:] = 0
    labels = torch.randint(3, 50, (3, 7), generator=generator)
    labels[0, 5:] = -100
    labels[2, 3:] = -100
    inputs = {"input_ids": torch.randint(3, 60, (3, 9), generator=generator) * mask, "attention_mask": mask, "labels": labels}

    def forward(m, i):
        shifted = torch.cat([torch.zeros(3, 1, dtype=torch.int64), i["labels"][:, :-1].clamp(min=0)], 1)
        out = m(input_ids=i["input_ids"], attention_mask=i["attention_mask"], decoder_input_ids=shifted)
        return {"encoder_last_hidden": out.encoder_last_hidden_state, "logits": out.logits, "loss": F.cross_entropy(out.logits.flatten(0, 1), i["labels"].flatten())}
    write("encoder_decoder", model, inputs, forward)
    with torch.no_grad():
        written = model.generate(input_ids=inputs["input_ids"], attention_mask=mask, num_beams=3, max_length=11, do_sample=False, decoder_start_token_id=0, pad_token_id=0, eos_token_id=2)
    print(written.tolist())


class Speaker(nn.Module):
    """Resemblyzer's network, and a head on the means of the last layer over stretches of what is heard."""

    def __init__(self, bands, hidden, layers, embedding, labels=3, count=6):
        super().__init__()
        self.lstm = nn.LSTM(bands, hidden, layers, batch_first=True)
        self.linear = nn.Linear(hidden, embedding)
        self.head = nn.Linear(count * hidden, labels)
        self.count = count

    def embed(self, mels):
        _, (hidden, _) = self.lstm(mels)
        raw = torch.relu(self.linear(hidden[-1]))
        return raw / torch.norm(raw, dim=1, keepdim=True)

    def features(self, mels):
        states, _ = self.lstm(mels)
        rows = []
        for state, mel in zip(states, mels):
            length = max(int(torch.nonzero(mel.amax(-1) > 0)[-1]) + 1, self.count)
            place = torch.arange(length) * self.count // length
            rows.append(torch.cat([state[:length][place == s].mean(0) for s in range(self.count)]))
        return torch.stack(rows)


def speaker_encoder():
    model = Speaker(8, 12, 3, 10)
    randomize(model, 60, 0.3)
    generator = torch.Generator().manual_seed(61)
    mels = torch.rand(3, 20, 8, generator=generator)
    mels[1, 13:] = 0
    mels[2, 4:] = 0
    target = torch.randn(3, 10, generator=generator)

    def forward(m, i):
        logits = m.head(m.features(i["mels"]))
        return {"embedding": m.embed(i["mels"]).detach(), "features": m.features(i["mels"]), "logits": logits, "loss": F.cross_entropy(logits, i["labels"])}
    write("speaker_encoder", model, {"mels": mels, "labels": torch.tensor([2, 0, 1])}, forward)
    # the gradients of the published output, which the head's loss does not reach
    (model.embed(mels) * target).sum().backward()
    save_file({"input/target": target} | {f"grad/{n}": p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}, str(FIXTURES / "speaker_embedding.safetensors"))


def real_speaker_encoder():
    """The published weights (Resemblyzer 0.1.4: pretrained.pt beside this script's working directory) on made mel bands."""
    stored = torch.load("pretrained.pt", map_location="cpu", weights_only=False)["model_state"]
    model = Speaker(40, 256, 3, 256).eval()
    model.load_state_dict({k: v for k, v in stored.items() if not k.startswith("similarity")}, strict=False)
    t, band = torch.meshgrid(torch.arange(60.0), torch.arange(40.0), indexing="ij")
    mels = torch.stack([0.02 * (1 + torch.sin(t / 5 + band / (3 + i))) * torch.exp(-band / 15) for i in range(3)])
    mels[2, 41:] = 0
    with torch.no_grad():
        save_file({"input/mels": mels, "output/embedding": model.embed(mels), "output/features": model.features(mels)}, str(FIXTURES / "real_speaker_encoder.safetensors"))


class Factors(nn.Module):
    def __init__(self, users, items, width, mean):
        super().__init__()
        self.users = nn.ModuleDict({"vectors": nn.Embedding(users, width), "bias": nn.Embedding(users, 1)})
        self.items = nn.ModuleDict({"vectors": nn.Embedding(items, width), "bias": nn.Embedding(items, 1)})
        self.mean = mean

    def forward(self, i):
        rating = self.mean + (self.users["vectors"](i["user"]) * self.items["vectors"](i["item"])).sum(-1, keepdim=True) + self.users["bias"](i["user"]) + self.items["bias"](i["item"])
        return {"scores": rating, "loss": F.mse_loss(rating[:, 0], i["rating"])}


class Towers(nn.Module):
    def __init__(self, users, items, width, layers):
        super().__init__()
        sizes = [width, *layers]
        tower = lambda rows: nn.ModuleDict({"vectors": nn.Embedding(rows, width), "layers": nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))})
        self.users, self.items = tower(users), tower(items)
        self.items["bias"] = nn.Embedding(items, 1)

    def climb(self, tower, ids):
        x = tower["vectors"](ids)
        for k, layer in enumerate(tower["layers"]):
            x = layer(x) if k == len(tower["layers"]) - 1 else torch.relu(layer(x))
        return x

    def forward(self, i):
        every = torch.arange(self.items["vectors"].num_embeddings)
        scores = self.climb(self.users, i["user"]) @ self.climb(self.items, every).T + self.items["bias"](every).T
        logp = F.log_softmax(scores, -1).gather(1, i["item"][:, None])
        liked = (i["rating"] >= 4).to(logp.dtype)
        return {"scores": logp, "loss": -(logp[:, 0] * liked).sum() / liked.sum()}


def recommenders():
    generator = torch.Generator().manual_seed(70)
    inputs = {"user": torch.randint(0, 6, (12,), generator=generator), "item": torch.randint(0, 7, (12,), generator=generator), "rating": torch.randint(1, 6, (12,), generator=generator).float()}
    for name, model in (("matrix_factorization", Factors(6, 7, 4, 3.5)), ("two_tower", Towers(6, 7, 4, [5, 3]))):
        randomize(model, 71, 0.5)
        write(name, model, inputs, lambda m, i: m(i))


def lora_marian():
    """peft's LoRA on every q_proj and v_proj of the fixture marian_seq2seq, attention to the source included."""
    from peft import LoraConfig, get_peft_model
    from safetensors.torch import load_file
    from transformers import MarianConfig, MarianMTModel
    base = MarianMTModel(MarianConfig(vocab_size=24, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=64, decoder_ffn_dim=64,
                                      max_position_embeddings=32, activation_function="swish", scale_embedding=True, dropout=0.0, pad_token_id=23, eos_token_id=0, decoder_start_token_id=23))
    stored = load_file(str(FIXTURES / "marian_seq2seq.safetensors"))
    base.load_state_dict({k.split("/", 1)[1]: v for k, v in stored.items() if k.startswith(("param/", "buffer/"))}, strict=False)
    base.tie_weights()
    model = get_peft_model(base, LoraConfig(r=3, lora_alpha=6, target_modules=["q_proj", "v_proj"], lora_dropout=0.0)).eval()
    generator = torch.Generator().manual_seed(80)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "lora_" in name:
                p.copy_(0.2 * torch.randn(p.shape, generator=generator))
    out = model(input_ids=stored["input/input_ids"], attention_mask=stored["input/attention_mask"], labels=stored["input/labels"])
    out.loss.backward()
    tensors = {"output/logits": out.logits, "output/loss": out.loss}
    for name, p in trained(model).items():
        tensors |= {f"param/{name.replace('.default', '')}": p, f"grad/{name.replace('.default', '')}": p.grad}
    save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, str(FIXTURES / "lora_marian.safetensors"))


def vit_larger():
    """The fixture vit on images of 32 pixels where it was made for 16: transformers' interpolate_pos_encoding."""
    from safetensors.torch import load_file
    from transformers import ViTConfig, ViTForImageClassification
    model = ViTForImageClassification(ViTConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, image_size=16, patch_size=4, num_channels=3, num_labels=3, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0))
    stored = load_file(str(FIXTURES / "vit.safetensors"))
    model.load_state_dict({k.split("/", 1)[1]: v for k, v in stored.items() if k.startswith("param/")})
    pixels = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(90))
    small = torch.randn(2, 3, 12, 12, generator=torch.Generator().manual_seed(91))
    with torch.no_grad():
        logits = [model.eval()(pixel_values=x, interpolate_pos_encoding=True).logits for x in (pixels, small)]
    save_file({"input/pixel_values": pixels, "output/logits": logits[0], "input/small": small, "output/small_logits": logits[1]}, str(FIXTURES / "vit_larger.safetensors"))


MAKERS = {"vit_larger": vit_larger, "lora_marian": lora_marian, "recommenders": recommenders, "speaker_encoder": speaker_encoder, "real_speaker_encoder": real_speaker_encoder, "encoder_decoder": encoder_decoder}
for wanted in sys.argv[1:] or MAKERS:
    MAKERS[wanted]()
