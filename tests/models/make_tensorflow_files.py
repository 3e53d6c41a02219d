"""Writes small Keras and TensorFlow files with their weights beside them, by Keras and TensorFlow themselves. argv: the folder."""
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
keras.utils.set_random_seed(7)
image = keras.Input((16, 16, 3), name="picture")
x = keras.layers.ZeroPadding2D(((0, 1), (0, 1)), name="pad")(image)
x = keras.layers.Conv2D(4, 3, strides=2, use_bias=False, name="first")(x)
x = keras.layers.BatchNormalization(name="first_norm", momentum=0.9)(x)
x = keras.layers.ReLU(6.0, name="first_relu")(x)
y = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depth")(x)
y = keras.layers.BatchNormalization(name="depth_norm", scale=False)(y)
x = keras.layers.Add(name="sum")([x, y])
x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
x = keras.layers.Dropout(0.3, name="drop")(x)
x = keras.layers.Dense(6, activation="relu", name="hidden")(x)
x = keras.layers.Dense(3, activation="softmax", name="answer")(x)
model = keras.Model(image, x, name="little")
rng = np.random.default_rng(3)
model.set_weights([np.abs(w) + rng.uniform(0.1, 0.5, w.shape).astype("f") if w.ndim == 1 else rng.normal(0, 0.4, w.shape).astype("f") for w in model.get_weights()])
pictures = rng.normal(0, 1, (2, 16, 16, 3)).astype("f")
logits = keras.Model(image, keras.layers.Dense(3, name="answer_logits")(model.get_layer("hidden").output))
logits.get_layer("answer_logits").set_weights(model.get_layer("answer").get_weights())

model.save(f"{out}/little.keras")
model.save(f"{out}/little.h5")
model.save_weights(f"{out}/little.weights.h5")
model.export(f"{out}/saved", verbose=False)
tf.train.Checkpoint(**{w.path.replace("/", "_"): tf.Variable(w) for w in model.weights}).write(f"{out}/checkpoint")
json.dump({
    "weights": {w.path: {"shape": list(w.shape), "data": np.asarray(w).flatten().tolist()} for w in model.weights},
    "pictures": pictures.flatten().tolist(), "logits": logits(pictures).numpy().flatten().tolist(),
    "probabilities": model(pictures).numpy().flatten().tolist(), "pooled": keras.Model(image, model.get_layer("mean").output)(pictures).numpy().flatten().tolist(),
}, open(f"{out}/expected.json", "w"))
