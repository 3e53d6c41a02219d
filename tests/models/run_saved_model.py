"""Loads SavedModels with Python's TensorFlow and prints what they give. stdin: a list of {folder, inputs: [...]}."""
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf

answers = []
for case in json.load(sys.stdin):
    serve = tf.saved_model.load(case["folder"]).signatures["serving_default"]
    for inputs in case["inputs"]:
        (value,) = serve(**{name: tf.constant(one["data"], one["dtype"], one["shape"]) for name, one in inputs.items()}).values()
        answers.append({"shape": list(value.shape), "output": value.numpy().flatten().tolist()})
json.dump(answers, sys.stdout)
