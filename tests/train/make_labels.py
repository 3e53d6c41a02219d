"""Makes tests/fixtures/labels.json: what seqeval says of tagged words, and scikit-learn of rows with several classes and of ridge regression.

Usage: python make_labels.py tests/fixtures/labels.json (with seqeval and scikit-learn)
"""
import json
import random
import sys

import numpy as np
from seqeval.metrics import f1_score, precision_score, recall_score
from sklearn import metrics
from sklearn.linear_model import Ridge

random.seed(3)
names = ["O", "B-person", "I-person", "B-place", "I-place"]
truth = [random.choices(names, [6, 2, 2, 1, 1], k=random.randint(1, 12)) for _ in range(60)]
said = [[tag if random.random() < 0.75 else random.choice(names) for tag in row] for row in truth]

rng = np.random.default_rng(3)
y = (rng.random((50, 4)) < [0.5, 0.3, 0.1, 0.02]).astype(int)
y[:, 3] = 0
y[7, 3] = 1
logits = np.round((y - 0.5) * 2 + rng.normal(0, 1.6, y.shape), 6)
logits[:, 3] -= 4  # a class that is never found
p = (logits > 0).astype(int)
precision, recall, f1, support = metrics.precision_recall_fscore_support(y, p, zero_division=0)

features = np.round(rng.normal(0, 1, (40, 6)), 6)
features[:, 5] = features[:, 4] + 0.01 * features[:, 5]  # nearly the same twice
numbers = np.round(47 + features @ [9, -4, 0, 1, 3, 3] + rng.normal(0, 2, 40), 4)
ridge = {}
for strength in (3e-4, 0.1, 1):  # of the errors in deviations of the numbers, as alpha is of the plain ones
    found = Ridge(alpha=1 / strength, solver="cholesky").fit(features, numbers)
    ridge[strength] = [*found.coef_, found.intercept_]

json.dump({
    "ridge": {"features": features.tolist(), "numbers": numbers.tolist(), "weights": ridge},
    "tags": {"truth": truth, "said": said, "precision": precision_score(truth, said), "recall": recall_score(truth, said), "f1": f1_score(truth, said)},
    "labels": {
        "truth": y.tolist(), "logits": logits.tolist(),
        "precision": precision.tolist(), "recall": recall.tolist(), "f1": f1.tolist(), "support": support.tolist(),
        "macroF1": metrics.f1_score(y, p, average="macro", zero_division=0), "microF1": metrics.f1_score(y, p, average="micro"),
        "accuracy": 1 - metrics.hamming_loss(y, p), "exact": metrics.accuracy_score(y, p),
        "auc": metrics.roc_auc_score(y, logits, average="macro"), "averagePrecision": metrics.average_precision_score(y, logits, average="macro"),
    },
}, open(sys.argv[1], "w"))
