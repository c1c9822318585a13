#!/usr/bin/env python3
"""Fits the weights of data/actions.tsv: how much a sentence looks like work for someone.

    scripts/fit.py EVAL_DIR           writes the file
    scripts/fit.py EVAL_DIR --check   prints cross-validated F1 by threshold only

Labelled text: email_actions.jsonl (EmailIntentDataSet, Apache-2.0). The text itself goes nowhere: single
words and pairs that occur in at least three sentences do, with a weight. Standard library only and deterministic.
"""
import json
import math
import re
import sys
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+(?:[.,:]\d+)*|\?", re.UNICODE)
DATES = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday today tomorrow tonight week month asap "
    "january february march april june july august september october november december".split()
)


def verbs():
    found = set()
    for line in open(DATA / "verbs.tsv", encoding="utf-8"):
        kind, _, words = line.rstrip("\n").partition("\t")
        if kind in ("irregular", "unchanged", "base"):
            found.update(word.partition(":")[0] for word in words.split(" "))
    return frozenset(found)


VERBS = verbs()


def load(path):
    return [json.loads(line) for line in open(path, encoding="utf-8") if line.strip()]


def tokens(text):
    text = re.sub(r"https?://\S+|www\.\S+|\S+@\S+", " ", text.replace("’", "'"))
    return ["#" if t[0].isdigit() else t.lower() for t in TOKEN.findall(text)]


def features(text):
    """Words, pairs, and both again for the opening; the same as in src/actions/weights.rs."""
    words = tokens(text)
    found = set(words)
    found.update(f"{a} {b}" for a, b in zip(words, words[1:]))
    plain = [w for w in words if w != "?"]
    if plain:
        found.add(f"^ {plain[0]}")
        found.add(f"^ {' '.join(plain[:2])}")
        opening = plain[1] if plain[0] == "please" and len(plain) > 1 else plain[0]
        if opening in VERBS:
            found.add("^ VERB")
    if found & DATES:
        found.add("DATE")
    return found


def fit(rows, rounds, rate, l1, l2, least, balance=1.0):
    """Logistic regression by full-batch proximal gradient. rows: (features, 0 or 1)."""
    counts = {}
    for found, _ in rows:
        for name in found:
            counts[name] = counts.get(name, 0) + 1
    names = sorted(name for name, count in counts.items() if count >= least)
    index = {name: at for at, name in enumerate(names)}
    data = [([index[n] for n in sorted(found) if n in index], label) for found, label in rows]
    weights, speed, bias = [0.0] * len(names), [1e-8] * len(names), 0.0
    size = len(data)
    for _ in range(rounds):
        slope, drift = [0.0] * len(names), 0.0
        for found, label in data:
            z = bias + sum(weights[at] for at in found)
            gap = 1 / (1 + math.exp(-max(-30, min(30, z)))) - label
            if label:
                gap *= balance
            drift += gap
            for at in found:
                slope[at] += gap
        bias -= rate * drift / size * 4
        for at, value in enumerate(slope):
            if not value and not weights[at]:
                continue
            gradient = value / size + l2 * weights[at]
            speed[at] += gradient * gradient
            step = rate / math.sqrt(speed[at])
            moved = weights[at] - step * gradient
            weights[at] = math.copysign(max(abs(moved) - step * l1, 0.0), moved)
    return bias, {name: weights[at] for name, at in index.items() if abs(weights[at]) >= 0.02}


def score(model, found):
    bias, weights = model
    return bias + sum(weights.get(name, 0.0) for name in found)


def f1(pairs, edge):
    right = sum(1 for z, y in pairs if z >= edge and y)
    given = sum(1 for z, _ in pairs if z >= edge)
    wanted = sum(1 for _, y in pairs if y)
    return 200 * right / (given + wanted) if given + wanted else 0.0


def crossed(rows, groups, settings):
    """Scores of rows by models that have not seen their group."""
    out = []
    for fold in range(5):
        model = fit([row for row, group in zip(rows, groups) if group % 5 != fold], **settings)
        out += [(score(model, found), label, at) for at, ((found, label), group) in enumerate(zip(rows, groups)) if group % 5 == fold]
    return out


def email_rows(folder):
    return [(features(r["messages"][0]["content"]), int(bool(r["action_items"]))) for r in load(folder / "email_actions.jsonl")]


EMAIL = {"rounds": 120, "rate": 0.1, "l1": 0.001, "l2": 0.001, "least": 3}


def write(name, source, model):
    bias, weights = model
    with open(DATA / name, "w", encoding="utf-8") as out:
        out.write(f"# Fitted by scripts/fit.py on {source}. Do not edit.\n# Feature, weight in hundredths.\n")
        out.write(f"\t{round(100 * bias)}\n")
        for feature in sorted(weights):
            if round(100 * weights[feature]):
                out.write(f"{feature}\t{round(100 * weights[feature])}\n")


def main():
    folder = Path(sys.argv[1])
    rows = email_rows(folder)
    if "--check" in sys.argv:
        pairs = [(z, y) for z, y, _ in crossed(rows, range(len(rows)), EMAIL)]
        print("e-mail", {edge: round(f1(pairs, edge), 1) for edge in (-0.5, -0.25, 0, 0.25, 0.5)})
        return
    write("actions.tsv", "the e-mail sentences of EmailIntentDataSet (ParakweetLabs, Apache-2.0)", fit(rows, **EMAIL))


if __name__ == "__main__":
    main()
