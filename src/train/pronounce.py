"""Figures of a model that sounds.py wrote, computed by transformers: errors on the words of the test, and what the
project's tests compare the engine with.

    python3 src/train/pronounce.py web/models/sounds --words .../index.js --beams 1 3 5 --json build/train/sounds.json
    python3 src/train/pronounce.py web/models/sounds --words .../index.js --fixture tests/fixtures/sounds.json

Without stress, as figures for this dictionary are given, and with it. A word with several pronunciations is right if any
of them is met; phonemes are compared with the nearest one.
"""
import argparse
import hashlib
import json
import pathlib

import numpy as np
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

import sounds
import words

EXAMPLES, COLUMNS, BATCH, LONGEST = 40, 8, 256, 40
WORDS = ["hello", "through", "thorough", "though", "knight", "pneumonia", "isn't", "antidisestablishmentarianism", "a", "x-ray"]


@torch.no_grad()
def answers(model, tokenizer, names, beams):
    """word -> phonemes"""
    said, names = {}, sorted(names, key=len)
    for i in range(0, len(names), BATCH):
        some = names[i:i + BATCH]
        batch = tokenizer(some, return_tensors="pt", padding=True)
        ids = model.generate(input_ids=batch.input_ids, attention_mask=batch.attention_mask, num_beams=beams,
                             do_sample=False, max_new_tokens=LONGEST)
        said.update(zip(some, (tuple(t.split()) for t in tokenizer.batch_decode(ids, skip_special_tokens=True))))
    return said


@torch.no_grad()
def fixture(folder, tokenizer, names):
    """Words, what greedy and beam search make of each alone, and some of the logits on the way, in float64."""
    model = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float64).eval()
    columns = np.linspace(0, model.config.vocab_size - 1, COLUMNS).astype(int)
    rows = []
    for name in names:
        source = tokenizer(name, return_tensors="pt").input_ids
        found = {}
        for key, beams in (("greedy", 1), ("beams3", 3)):
            ids = model.generate(source, num_beams=beams, do_sample=False, max_new_tokens=LONGEST)[0].tolist()
            found[key] = [i for i in ids[1:] if i > 1]
        logits = model(input_ids=source, decoder_input_ids=torch.tensor([[0, *found["greedy"]]])).logits[0].numpy()
        rows.append({"word": name, "source": source[0].tolist(), **found,
                     "text": tokenizer.decode(found["greedy"]), "logits": logits[:, columns].round(5).tolist()})
    return {"sha256": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
            "columns": columns.tolist(), "words": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path, help="model directory")
    parser.add_argument("--words", required=True, help="index.js of the package cmu-pronouncing-dictionary")
    parser.add_argument("--beams", type=int, nargs="*", default=[], help="1 is the likeliest phoneme each time")
    parser.add_argument("--json", type=pathlib.Path, help="file for the errors")
    parser.add_argument("--fixture", type=pathlib.Path, help="file for the tests of the engine")
    args = parser.parse_args()
    said = words.read(args.words)
    parts, tokenizer = words.split(said), AutoTokenizer.from_pretrained(args.model)
    names = [name for name in said if parts[name] == "test"]
    if args.fixture:
        some = WORDS + names[::len(names) // EXAMPLES]
        args.fixture.write_text(json.dumps(fixture(args.model, tokenizer, some)) + "\n")
    model = AutoModelForSeq2SeqLM.from_pretrained(args.model, dtype=torch.float32).eval()
    figures = {"words": len(names)}
    for beams in args.beams:
        figures[str(beams)] = sounds.errors(said, answers(model, tokenizer, names, beams))
        print(beams, figures[str(beams)], flush=True)
    if args.json:
        args.json.write_text(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
