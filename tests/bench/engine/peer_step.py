"""The same networks in Keras (tf.function) and PyTorch: `python peer_step.py keras|torch CASE.json STEPS` prints one line of JSON."""
import json, math, resource, sys, time

system, spec, steps = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
kind, batch, classes = spec["kind"], spec["batch"], spec["classes"]

if system == "keras":
    import tensorflow as tf
    from tensorflow import keras
    L = keras.layers
    if kind == "encoder":
        width, heads, length = spec["width"], spec["heads"], spec["length"]
        ids = keras.Input((length,), dtype="int32")
        class Positions(L.Layer):
            def build(self, shape): self.p = self.add_weight(shape=(length, width), initializer="random_normal")
            def call(self, x): return x + self.p
        h = L.LayerNormalization(epsilon=1e-12)(Positions()(L.Embedding(spec["vocabulary"], width)(ids)))
        for _ in range(spec["layers"]):
            split = lambda x: keras.ops.transpose(keras.ops.reshape(x, (-1, length, heads, width // heads)), (0, 2, 1, 3))
            q, k, v = (split(L.Dense(width)(h)) for _ in range(3))
            a = keras.ops.softmax(keras.ops.matmul(q, keras.ops.transpose(k, (0, 1, 3, 2))) / math.sqrt(width / heads))
            m = keras.ops.reshape(keras.ops.transpose(keras.ops.matmul(a, v), (0, 2, 1, 3)), (-1, length, width))
            h = L.LayerNormalization(epsilon=1e-12)(h + L.Dense(width)(m))
            h = L.LayerNormalization(epsilon=1e-12)(h + L.Dense(width)(keras.activations.gelu(L.Dense(spec["inner"])(h), approximate=False)))
        model = keras.Model(ids, L.Dense(classes, use_bias=False)(keras.ops.mean(h, 1)))
        x = tf.constant([[(i * length + j) * 7919 % spec["vocabulary"] for j in range(length)] for i in range(batch)], tf.int32)
    else:
        image = h = keras.Input((spec["size"], spec["size"], 3))
        if kind == "cnn":
            for f in spec["filters"]:
                h = L.MaxPool2D(2, padding="same")(L.Conv2D(f, 3, padding="same", use_bias=False, activation="relu")(h))
            h = L.Dense(classes, use_bias=False)(L.Flatten()(h))
        else:
            norm = lambda y: L.BatchNormalization(epsilon=1e-3)(y)
            conv = lambda y, c, k, s, act=True: (L.ReLU(6.0)(norm(L.Conv2D(c, k, s, padding="same", use_bias=False)(y))) if act else norm(L.Conv2D(c, k, s, padding="same", use_bias=False)(y)))
            h = conv(h, spec["stem"], 3, 2)
            for t, c, k, s, n in spec["blocks"]:
                for i in range(n):
                    y = conv(h, h.shape[-1] * t, 1, 1) if t > 1 else h
                    y = L.ReLU(6.0)(norm(L.DepthwiseConv2D(k, 1 if i else s, padding="same", use_bias=False)(y)))
                    y = conv(y, c, 1, 1, False)
                    h = h + y if (i or s == 1) and h.shape[-1] == c else y
            h = L.Dense(classes)(L.GlobalAveragePooling2D()(conv(h, spec["head"], 1, 1)))
        model = keras.Model(image, h)
        x = tf.random.uniform((batch, spec["size"], spec["size"], 3), -1, 1)
    y = tf.constant([i % classes for i in range(batch)])
    optimizer = keras.optimizers.AdamW(1e-4, weight_decay=0.01)
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer.build(model.trainable_variables)
    @tf.function
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
    if kind == "encoder":
        width, heads, length = spec["width"], spec["heads"], spec["length"]
        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
                self.up, self.down, self.n1, self.n2 = nn.Linear(width, spec["inner"]), nn.Linear(spec["inner"], width), nn.LayerNorm(width, 1e-12), nn.LayerNorm(width, 1e-12)
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
        x = (torch.rand(batch, 3, spec["size"], spec["size"]) * 2 - 1).to(memory_format=torch.channels_last)
    y = torch.tensor([i % classes for i in range(batch)])
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4, fused=True)
    model.train()
    def run():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

wall, cpu = [], []
for _ in range(steps + 2):
    w, c = time.perf_counter(), time.process_time()
    loss = run()
    wall.append((time.perf_counter() - w) * 1e3)
    cpu.append((time.process_time() - c) * 1e3)
median = lambda values: sorted(values)[len(values) // 2]
print(json.dumps({"loss": loss, "wall": median(wall[2:]), "cpu": median(cpu[2:]), "first": wall[0], "firstCpu": cpu[0], "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
