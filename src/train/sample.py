"""Writes stories with a model directory: prompts x seeds, nothing selected, as Markdown.

    python3 src/train/sample.py web/models/stories --seeds 3 --out samples.md
"""
import argparse
import json
import pathlib

import torch

import bpe
import export

SAMPLING = ("temperature", "top_p", "repetition_penalty")
PROMPTS = [
    "Once upon a time there was a", "There was once a king who", "In a little house by the sea",
    "The old witch looked at the child and said,", "\"Who are you?\" asked the fox.",
    "Deep in the forest there lived", "The three children ran down to the river",
    "One winter evening, when the snow", "A poor woodcutter had two", "The princess would not",
    "\"Mother,\" said the boy, \"", "The cat sat by the fire and", "Long ago, in a far country,",
    "At midnight the clock", "The giant opened the door", "A mouse and a lion",
    "Dorothy looked up and saw", "The young prince rode out", "It was a fine spring morning, and",
    "Far away, beyond the mountains,",
]


@torch.no_grad()
def generate(model, ids, count, end, sampling, random):
    """ids: [B, T] -> up to count more ids for each; a row that wrote `end` goes on writing it."""
    for _ in range(count):
        logits = model(ids[:, -model.n_positions:]).view(len(ids), -1, model.wte.num_embeddings)
        logits = logits[:, -1].float()
        seen, penalty = logits.gather(1, ids), sampling["repetition_penalty"]
        logits.scatter_(1, ids, torch.where(seen > 0, seen / penalty, seen * penalty))
        chance, order = (logits / sampling["temperature"]).softmax(-1).sort(-1, descending=True)
        chance[chance.cumsum(-1) - chance > sampling["top_p"]] = 0
        drawn = torch.multinomial(chance, 1, generator=random)
        token = order.gather(1, drawn)
        token[(ids[:, 1:] == end).any(1)] = end
        ids = torch.cat([ids, token], 1)
    return ids


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path, help="model directory")
    parser.add_argument("--prompts", type=int, default=len(PROMPTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=300)
    for name in SAMPLING:
        parser.add_argument("--" + name.replace("_", "-"), type=float,
                            help="default: that of generation_config.json")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="Markdown file")
    args = parser.parse_args()
    defaults = json.loads((args.model / "generation_config.json").read_text(encoding="utf-8"))
    sampling = {name: getattr(args, name) or defaults[name] for name in SAMPLING}
    model = export.read(args.model, torch.bfloat16)
    tokenizer = bpe.Tokenizer.load(args.model / "tokenizer.json")
    settings = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in sampling.items())
    text = f"At most {args.tokens} tokens at {settings}; prompts in bold.\n"
    for prompt in PROMPTS[:args.prompts]:
        start = torch.tensor([[tokenizer.end, *tokenizer.encode(prompt)]] * args.seeds)
        random = torch.Generator().manual_seed(1)
        for row in generate(model, start, args.tokens, tokenizer.end, sampling, random):
            story = tokenizer.decode(row[start.shape[1]:].tolist()).split(bpe.END)
            ending = " (the end)" if len(story) > 1 else " ..."
            paragraphs = f"**{prompt}**{story[0].rstrip()}{ending}".split("\n")
            text += "\n" + "\n>\n".join("> " + paragraph for paragraph in paragraphs) + "\n"
    args.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
