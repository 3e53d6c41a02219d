"""The same networks in Keras (tf.function) and PyTorch: `python peer_step.py keras|keras-xla|torch CASE WEIGHTS` waits for rounds (rounds.mjs)."""
import json, math, resource, sys, time
import numpy as np

system, spec, stored = sys.argv[1], json.loads(sys.argv[2]), np.fromfile(sys.argv[3], np.float32)
kind, batch, classes = spec["kind"], spec["batch"], spec["classes"]
at = 0

def take(shape):
    """The next values of the file: weights in the order in which they are made, then the pictures."""
    global at
    size = math.prod(shape)
    at += size
    return stored[at - size:at].reshape(shape)

if system.startswith("keras"):
    import tensorflow as tf
    from tensorflow import keras
    made = []
    class L:
        """Keras' layers, kept in the order in which they are made."""
    def kept(make):
        def keep(*values, **options):
            made.append(make(*values, **options))
            return made[-1]
        return keep
    for name in ("Embedding", "LayerNormalization", "Dense", "Conv2D", "DepthwiseConv2D", "BatchNormalization", "MaxPool2D", "Flatten", "ReLU", "GlobalAveragePooling2D"):
        setattr(L, name, kept(getattr(keras.layers, name)))
    if kind == "encoder":
        width, heads, length = spec["width"], spec["heads"], spec["length"]
        ids = keras.Input((length,), dtype="int32")
        class Positions(keras.layers.Layer):
            def build(self, shape): self.p = self.add_weight(shape=(length, width), initializer="random_normal")
            def call(self, x): return x + self.p
        table = L.Embedding(spec["vocabulary"], width)(ids)
        h = kept(Positions)()(table)
        h = L.LayerNormalization(epsilon=1e-12)(h)
        for _ in range(spec["layers"]):
            split = lambda x: keras.ops.transpose(keras.ops.reshape(x, (-1, length, heads, width // heads)), (0, 2, 1, 3))
            q, k, v = (split(L.Dense(width)(h)) for _ in range(3))
            a = keras.ops.softmax(keras.ops.matmul(q, keras.ops.transpose(k, (0, 1, 3, 2))) / math.sqrt(width / heads))
            m = keras.ops.reshape(keras.ops.transpose(keras.ops.matmul(a, v), (0, 2, 1, 3)), (-1, length, width))
            m = L.Dense(width)(m)
            h = L.LayerNormalization(epsilon=1e-12)(h + m)
            m = keras.activations.gelu(L.Dense(spec["inner"])(h), approximate=False)
            m = L.Dense(width)(m)
            h = L.LayerNormalization(epsilon=1e-12)(h + m)
        model = keras.Model(ids, L.Dense(classes, use_bias=False)(keras.ops.mean(h, 1)))
        x = tf.constant([[(i * length + j) * 7919 % spec["vocabulary"] for j in range(length)] for i in range(batch)], tf.int32)
    else:
        image = h = keras.Input((spec["size"], spec["size"], 3))
        if kind == "cnn":
            for f in spec["filters"]:
                h = L.Conv2D(f, 3, padding="same", use_bias=False, activation="relu")(h)
                h = L.MaxPool2D(2, padding="same")(h)
            h = L.Dense(classes, use_bias=False)(L.Flatten()(h))
        else:
            norm = lambda y: L.BatchNormalization(epsilon=1e-3)(y)
            def conv(y, c, k, s, act=True):
                y = L.Conv2D(c, k, s, padding="same", use_bias=False)(y)
                return L.ReLU(6.0)(norm(y)) if act else norm(y)
            h = conv(h, spec["stem"], 3, 2)
            for t, c, k, s, n in spec["blocks"]:
                for i in range(n):
                    y = conv(h, h.shape[-1] * t, 1, 1) if t > 1 else h
                    y = L.DepthwiseConv2D(k, 1 if i else s, padding="same", use_bias=False)(y)
                    y = L.ReLU(6.0)(norm(y))
                    y = conv(y, c, 1, 1, False)
                    h = h + y if (i or s == 1) and h.shape[-1] == c else y
            h = conv(h, spec["head"], 1, 1)
            h = L.Dense(classes)(L.GlobalAveragePooling2D()(h))
        model = keras.Model(image, h)
    for layer in made:
        for variable in layer.trainable_variables:
            variable.assign(take(variable.shape))
    if kind != "encoder":
        x = tf.constant(take((batch, spec["size"], spec["size"], 3)))
    y = tf.constant([i % classes for i in range(batch)])
    optimizer = keras.optimizers.AdamW(1e-4, weight_decay=0.01, epsilon=1e-8)
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer.build(model.trainable_variables)
    @tf.function(jit_compile=system == "keras-xla")
    def train():
        with tf.GradientTape() as tape:
            loss = entropy(y, model(x, training=True))
        optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
        return loss
    run = lambda: float(train())
else:
    import torch
    from torch import nn
    F = nn.functional
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu" # where there is a GPU, both use it, and both multiply in TF32 there
    if device == "cuda":
        torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    if kind == "encoder":
        width, heads, length = spec["width"], spec["heads"], spec["length"]
        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
                self.n1, self.up, self.down, self.n2 = nn.LayerNorm(width, 1e-12), nn.Linear(width, spec["inner"]), nn.Linear(spec["inner"], width), nn.LayerNorm(width, 1e-12)
            def forward(self, h):
                split = lambda x: x.view(batch, length, heads, -1).transpose(1, 2)
                m = F.scaled_dot_product_attention(split(self.q(h)), split(self.k(h)), split(self.v(h))).transpose(1, 2).reshape(batch, length, width)
                h = self.n1(h + self.o(m))
                return self.n2(h + self.down(F.gelu(self.up(h))))
        class Encoder(nn.Module):
            def __init__(self):
                super().__init__()
                self.table, self.p, self.n = nn.Embedding(spec["vocabulary"], width), nn.Parameter(torch.randn(length, width) * 0.02), nn.LayerNorm(width, 1e-12)
                self.blocks, self.head = nn.Sequential(*(Block() for _ in range(spec["layers"]))), nn.Linear(width, classes, bias=False)
            def forward(self, x): return self.head(self.blocks(self.n(self.table(x) + self.p)).mean(1))
        model = Encoder()
        x = torch.tensor([[(i * length + j) * 7919 % spec["vocabulary"] for j in range(length)] for i in range(batch)])
    else:
        def conv(a, b, k, s, groups=1, act=True):
            return nn.Sequential(nn.Conv2d(a, b, k, s, k // 2, groups=groups, bias=False), nn.BatchNorm2d(b, 1e-3, 0.01), nn.ReLU6() if act else nn.Identity())
        class Residual(nn.Module):
            def __init__(self, body, skip):
                super().__init__()
                self.body, self.skip = body, skip
            def forward(self, x): return x + self.body(x) if self.skip else self.body(x)
        layers, c = [], 3
        if kind == "cnn":
            for f in spec["filters"]:
                layers += [nn.Conv2d(c, f, 3, 1, 1, bias=False), nn.ReLU(), nn.MaxPool2d(2)]
                c = f
            layers += [nn.Flatten(), nn.Linear(c * (spec["size"] // 8) ** 2, classes, bias=False)]
        else:
            layers, c = [conv(3, spec["stem"], 3, 2)], spec["stem"]
            for t, to, k, s, n in spec["blocks"]:
                for i in range(n):
                    inner, step = c * t, 1 if i else s
                    body = nn.Sequential(*([conv(c, inner, 1, 1)] if t > 1 else []), conv(inner, inner, k, step, inner), conv(inner, to, 1, 1, act=False))
                    layers.append(Residual(body, step == 1 and c == to))
                    c = to
            layers += [conv(c, spec["head"], 1, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(spec["head"], classes)]
        model = nn.Sequential(*layers).to(memory_format=torch.channels_last)
    with torch.no_grad():
        parameters = list(model.parameters())
        if kind == "encoder":
            parameters[:2] = parameters[1::-1] # the table before the positions, as in the others
        for parameter in parameters:
            shape = tuple(parameter.shape)
            if len(shape) == 4: # [out, in, h, w] from [h, w, in, out], a depthwise one [c, 1, h, w] from [h, w, c, 1]
                o, i, h, w = shape
                values = take((h, w, o, 1)).transpose(2, 3, 0, 1) if i == 1 and o > 1 else take((h, w, i, o)).transpose(3, 2, 0, 1)
            elif len(shape) == 2 and any(parameter is m.weight for m in model.modules() if isinstance(m, nn.Linear)):
                values = take(shape[::-1]).T
                if kind == "cnn": # its rows are [h, w, c] in the others and [c, h, w] here
                    side = spec["size"] // 8
                    values = values.reshape(classes, side, side, -1).transpose(0, 3, 1, 2).reshape(classes, -1)
            else:
                values = take(shape)
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(values)))
    if kind != "encoder":
        x = torch.from_numpy(take((batch, spec["size"], spec["size"], 3)).transpose(0, 3, 1, 2).copy()).to(memory_format=torch.channels_last)
    y = torch.tensor([i % classes for i in range(batch)])
    model, x, y = model.to(device), x.to(device), y.to(device)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4, weight_decay=0.01, fused=True)
    model.train()
    def run():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

def timed():
    w, c = time.perf_counter(), time.process_time()
    loss = run()
    return loss, (time.perf_counter() - w) * 1e3, (time.process_time() - c) * 1e3

def say(**values):
    print(json.dumps(values), flush=True)

median = lambda values: sorted(values)[len(values) // 2]
loss, first, first_cpu = timed()
run()
say(loss=loss, first=first, firstCpu=first_cpu)
for line in sys.stdin:
    done, until = [], time.perf_counter() + float(line)
    while len(done) < 2 or time.perf_counter() < until:
        done.append(timed())
    say(wall=median([w for _, w, _ in done]), cpu=median([c for _, _, c in done]), loss=done[-1][0])
say(memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
