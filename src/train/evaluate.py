"""Bits per byte of a model on whole documents.

Every token of a document and its closing <|endoftext|> is predicted exactly once, from at most
`context` tokens of the same document (the opening <|endoftext|> included). A document longer
than that is read in windows that overlap by half: a window scores the positions that the one
before it has not, so all but the first 1,024 positions see at least half a context. The bits are
divided by the UTF-8 bytes of the text alone.
"""
import argparse
import json
import math
import pathlib

import numpy as np
import torch

import bpe
import data
import export


@torch.no_grad()
def bits_per_byte(model, documents, n_bytes, context, stride=None):
    """documents: arrays of ids that begin with <|endoftext|>; stride: positions scored by each
    window after the first, half the context by default."""
    stride = stride or context // 2
    device, nats, training = model.head.weight.device, 0.0, model.training
    model.train(False)
    for document in documents:
        ids = torch.from_numpy(np.append(document, document[0]).astype(np.int64)).to(device)
        scored = 0  # targets done; target i is token i + 1
        while scored < len(ids) - 1:
            end = min(len(ids) - 1, max(scored + stride, context))
            start = max(0, end - context)
            losses = model.losses(ids[None, start:end], ids[None, start + 1:end + 1])
            nats += losses[scored - start:].double().sum().item()
            scored = end
    model.train(training)
    return nats / math.log(2) / n_bytes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path, help="model directory")
    parser.add_argument("text", type=pathlib.Path, help="documents separated by <|endoftext|> lines")
    parser.add_argument("--dtype", choices=["bfloat16", "float32"], default="float32")
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--stride", type=int, help="new positions a window; half the context by default")
    args = parser.parse_args()
    model = export.read(args.model, getattr(torch, args.dtype))
    tokenizer = bpe.Tokenizer.load(args.model / "tokenizer.json")
    documents, n_bytes = data.encode_documents(args.text, tokenizer)
    bits = bits_per_byte(model, documents, n_bytes, args.context, args.stride)
    print(json.dumps({"bits_per_byte": round(bits, 5), "documents": len(documents), "bytes": n_bytes,
                      "tokens": sum(map(len, documents))}))


if __name__ == "__main__":
    main()
