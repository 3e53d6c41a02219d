"""Trajectories of torch.optim on a small network: `python make_optimizers.py` writes tests/fixtures/optimizers.safetensors."""
import copy, pathlib
import torch
from safetensors.torch import save_file

STEPS, BATCH = 6, 8


def start():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Tanh(), torch.nn.Linear(7, 3))
    return net, torch.randn(STEPS * 3, BATCH, 5), torch.randn(STEPS * 3, BATCH, 3)


def train(make, gather=1, clip=None, average=None):
    net, xs, ys = start()
    optimizer, losses, batch = make(net), [], 0
    mean = copy.deepcopy(net) if average else None
    for step in range(STEPS):
        optimizer.zero_grad()
        for _ in range(gather):
            loss = torch.nn.functional.mse_loss(net(xs[batch]), ys[batch])
            (loss / gather).backward()
            losses.append(loss.item())
            batch += 1
        if clip:
            torch.nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimizer.step()
        if average:
            decay = min(average, (2 + step) / (11 + step))
            with torch.no_grad():
                for old, new in zip(mean.parameters(), net.parameters()):
                    old.lerp_(new, 1 - decay)
    out = {f"weight/{k}": v.detach().clone() for k, v in net.named_parameters()} | {"loss": torch.tensor(losses)}
    return out | ({f"average/{k}": v.detach().clone() for k, v in mean.named_parameters()} if average else {})


def decaying(net, **rest):
    return [{"params": [p for p in net.parameters() if p.dim() > 1], "lr": 0.02, "weight_decay": 0.1, **rest}, {"params": [p for p in net.parameters() if p.dim() == 1], "lr": 0.005, "weight_decay": 0.0, **rest}]


runs = {
    "sgd_momentum": train(lambda net: torch.optim.SGD(net.parameters(), 0.05, momentum=0.9)),
    "adam_decay": train(lambda net: torch.optim.Adam(net.parameters(), 0.01, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1)),
    "adamw_groups": train(lambda net: torch.optim.AdamW(decaying(net))),
    "adafactor": train(lambda net: torch.optim.Adafactor(net.parameters(), 0.05)),
    "adafactor_decay": train(lambda net: torch.optim.Adafactor(net.parameters(), 0.5, weight_decay=0.1)),
    "accumulated": train(lambda net: torch.optim.AdamW(net.parameters(), 0.01), gather=3, clip=0.5),
    "averaged": train(lambda net: torch.optim.SGD(net.parameters(), 0.1), average=0.9),
}
net, xs, ys = start()
tensors = {f"param/{k}": v.detach() for k, v in net.named_parameters()} | {"x": xs, "y": ys}
for name, values in runs.items():
    tensors |= {f"{name}/{k}": v for k, v in values.items()}
save_file({k: v.contiguous() for k, v in tensors.items()}, pathlib.Path(__file__).parents[1] / "fixtures" / "optimizers.safetensors")
