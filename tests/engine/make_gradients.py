"""Values and gradients of torch for the ops a fine-tuner needs: `python make_gradients.py` writes tests/fixtures/gradients.safetensors.

Each case has input/…, output (what is weighted by cos(0), cos(1), …, and summed) and grad/… of that sum. Images are as TensorFlow has them.
"""
import math, pathlib
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

T = {}
g = torch.Generator().manual_seed(5)
rand = lambda *shape: torch.randn(*shape, generator=g)


def case(name, f, **inputs):
    floats = {key: value.clone().requires_grad_() for key, value in inputs.items() if value.is_floating_point()}
    y = f(**{**inputs, **floats})
    (y * torch.cos(torch.arange(y.numel(), dtype=torch.float64)).float().reshape(y.shape)).sum().backward()
    T[f"{name}/output"] = y.detach().contiguous()
    for key, value in inputs.items():
        T[f"{name}/input/{key}"] = value.contiguous()
    for key, value in floats.items():
        T[f"{name}/grad/{key}"] = value.grad.contiguous()


case("einsum", lambda a, b: torch.einsum("bhqd,bhkd->bhqk", a, b), a=rand(2, 2, 3, 4), b=rand(2, 2, 5, 4))
case("einsum_broadcast", lambda a, b: torch.einsum("bqd,kd->bqk", a, b), a=rand(2, 3, 4), b=rand(5, 4))
case("strided_slice", lambda x: x[1:7:2, ::3], x=rand(8, 7))
case("gather_nd", lambda x: x[torch.tensor([0, 2, 0]), torch.tensor([1, 3, 1])], x=rand(3, 4, 2))
case("topk", lambda x: x.topk(3).values, x=rand(3, 4, 6))
zeros = rand(5, 6).index_put((torch.tensor([1, 2, 2, 3]), torch.tensor([2, 0, 4, 5])), torch.zeros(4))
case("cumprod", lambda x: x.cumprod(1), x=zeros)
case("where", lambda x: torch.where(x > 0, x.square(), 3 * x), x=rand(4, 5))
case("gelu", lambda x: F.gelu(x), x=rand(4, 9))
case("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), x=rand(4, 9))
case("layer_norm", lambda x, scale, offset: F.layer_norm(x, (8,), scale, offset, 1e-5), x=rand(2, 3, 8), scale=rand(8), offset=rand(8))
case("softmax", lambda x: x.softmax(-1), x=rand(3, 7))
case("cross_entropy", lambda x, labels: F.cross_entropy(x, labels, reduction="none"), x=rand(6, 5), labels=torch.tensor([0, 3, 1, 4, 2, 2]))
case("embedding", lambda table, ids: F.embedding(ids, table), table=rand(7, 4), ids=torch.tensor([[0, 6, 6], [2, 0, 6]]))


def crops(image):                                                       # as TensorFlow's CropAndResize: corners of the box are corners of the crop
    boxes = torch.tensor([[0.1, 0.05, 0.8, 0.9], [0.0, 0.2, 0.6, 0.95]])
    out = []
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        y, x = (2 * torch.linspace(a, b, 4) - 1 for a, b in ((y1, y2), (x1, x2)))
        grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1)[None]
        out.append(F.grid_sample(image.permute(0, 3, 1, 2)[i:i + 1], grid, mode="bilinear", align_corners=True))
    return torch.cat(out).permute(0, 2, 3, 1)


case("crop_and_resize", crops, image=rand(2, 6, 7, 3))

# Transcripts: one that fits, none at all, one that just fits with its repetition, one that does not fit, one of a shorter recording.
targets, frames, symbols = torch.tensor([[1, 3, 4], [0, 0, 0], [1, 1, 3], [4, 4, 4], [3, 1, 0]]), torch.tensor([9, 9, 4, 4, 6]), torch.tensor([3, 0, 3, 3, 2])
ctc = lambda logits, zero: F.ctc_loss(logits.log_softmax(-1), targets, frames, symbols, blank=2, reduction="none", zero_infinity=zero)
case("ctc", lambda logits: ctc(logits, True), logits=rand(9, 5, 5))
T |= {"ctc/targets": targets, "ctc/frames": frames, "ctc/symbols": symbols, "ctc/infinite": ctc(T["ctc/input/logits"], False)}


def lazy(rows, dim, steps, rate):
    """torch.optim.SparseAdam: only rows that a batch looks up change."""
    layer = torch.nn.Embedding(rows, dim, sparse=True)
    layer.weight.data.copy_(rand(rows, dim))
    T["sparse_adam/start"] = layer.weight.data.clone()
    ids, target = torch.randint(0, rows, (steps, 4, 3), generator=g), rand(4, 3, dim)
    optimizer = torch.optim.SparseAdam(list(layer.parameters()), lr=rate)
    losses = []
    for batch in ids:
        optimizer.zero_grad()
        loss = F.mse_loss(layer(batch), target)
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    T.update({"sparse_adam/ids": ids, "sparse_adam/target": target, "sparse_adam/losses": torch.tensor(losses), "sparse_adam/end": layer.weight.data.clone()})


lazy(11, 4, 6, 0.05)
save_file({key: value.contiguous() for key, value in T.items()}, str(pathlib.Path(__file__).parents[1] / "fixtures/gradients.safetensors"))
