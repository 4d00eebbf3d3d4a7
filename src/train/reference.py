"""What PyTorch computes with the shipped weights, for the tests to compare our engine with.

Puts the entry "pytorch" into the fixture: bits per byte of a text in float32, and in float64 the
logits of a few token ids, and the likeliest id, at each of 1,000 positions. With --greedy also what
transformers writes after a prompt.
"""
import argparse
import hashlib
import json
import pathlib

import numpy as np
import torch

import bpe
import data
import evaluate
import export

POSITIONS, COLUMNS = 1000, 8
PROMPT, TOKENS = "Once upon a time there was a king", 120


def greedy(folder, tokenizer):
    from transformers import AutoModelForCausalLM  # nothing else here needs it

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()
    prompt = [tokenizer.end, *tokenizer.encode(PROMPT)]
    ids = model.generate(torch.tensor([prompt]), do_sample=False, repetition_penalty=1.0, max_new_tokens=TOKENS)
    return {"prompt": prompt, "ids": ids[0, len(prompt):].tolist()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path, help="model directory")
    parser.add_argument("--text", type=pathlib.Path, default="tests/fixtures/story.txt")
    parser.add_argument("--fixture", type=pathlib.Path, default="tests/fixtures/stories.json")
    parser.add_argument("--greedy", action="store_true", help="needs transformers")
    args = parser.parse_args()
    tokenizer = bpe.Tokenizer.load(args.model / "tokenizer.json")
    documents, n_bytes = data.encode_documents(args.text, tokenizer)
    model = export.read(args.model)
    bits = evaluate.bits_per_byte(model, documents, n_bytes, model.n_positions)

    ids = np.resize(np.concatenate(documents), POSITIONS)
    model, model.dtype = model.double(), torch.float64
    with torch.no_grad():
        logits = model(torch.from_numpy(ids.astype(np.int64))[None]).numpy()
    columns = np.linspace(0, tokenizer.vocab_size - 1, COLUMNS).astype(int)
    fixture = json.loads(args.fixture.read_text()) if args.fixture.exists() else {}
    fixture["pytorch"] = {
        "sha256": hashlib.sha256((args.model / "model.safetensors").read_bytes()).hexdigest(),
        "bits": round(bits, 6), "ids": ids.tolist(), "columns": columns.tolist(),
        "argmax": logits.argmax(-1).tolist(), "logits": logits[:, columns].round(5).tolist()}
    if args.greedy:
        fixture["pytorch"]["greedy"] = greedy(args.model, tokenizer)
    args.fixture.write_text(json.dumps(fixture) + "\n")


if __name__ == "__main__":
    main()
