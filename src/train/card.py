"""Writes the model card: README.md and curve.svg beside the weights.

    python3 src/train/card.py web/models/stories --corpus DIR --log build/train/log.csv \
        --int8 int8.json --samples samples.md
"""
import argparse
import csv
import json
import math
import pathlib

import bpe
import data
import evaluate
import export

WIDTH, HEIGHT, LEFT, BOTTOM = 720, 360, 56, 48


def curve(rows, bytes_per_token):
    """Training and held-out bits per byte against tokens seen, as an SVG picture; held-out loss is
    only shown where it was measured with the full context."""
    train = [(int(r["tokens"]) / 1e6, float(r["train_nats"]) / math.log(2) / bytes_per_token)
             for r in rows]
    val = [(int(r["tokens"]) / 1e6, float(r["val_bits_per_byte"]))
           for r in rows if r["val_bits_per_byte"] and r["context"] == "1024"]
    low = math.floor(10 * min(y for _, y in train + val) - 0.5) / 10
    high, right = low + 1.0, train[-1][0]

    def place(x, y):
        return (LEFT + (WIDTH - LEFT - 24) * x / right,
                16 + (HEIGHT - BOTTOM - 16) * (high - y) / (high - low))

    def line(points, colour):
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in (place(x, y) for x, y in points if y <= high))
        return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'

    def text(x, y, words, anchor="end", colour="#444"):
        return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{words}</text>'

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="system-ui, sans-serif" font-size="13">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#fff"/>']
    for tick in range(6):
        y = low + tick / 5 * (high - low)
        a, b = place(0, y)
        out.append(f'<path d="M{a:.0f} {b:.1f}H{WIDTH - 24}" stroke="#ddd"/>')
        out.append(text(a - 8, b + 4, f"{y:.1f}"))
    step = max(1, round(right / 6))
    for x in range(0, int(right) + 1, step):
        out.append(text(place(x, low)[0], HEIGHT - BOTTOM + 20, f"{x}", "middle"))
    out += [text(WIDTH / 2, HEIGHT - 8, "million tokens seen", "middle"),
            line(train, "#9bb8d3"), line(val, "#c2410c"),
            text(WIDTH - 32, 36, "held-out bits per byte", colour="#c2410c"),
            text(WIDTH - 32, 56, "training (running mean)", colour="#5b83a8"), "</svg>"]
    return "\n".join(out) + "\n"


def books(corpus):
    """The table of SOURCES.md as a list."""
    lines = (corpus / "SOURCES.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return "\n".join(
        f"- *{title}*, {author}" + (f", translated by {translator}" if translator else "")
        + f" ([{repository.split('/')[0]}](https://github.com/{repository}/tree/{commit}))"
        for title, author, translator, repository, commit, *_ in rows[2:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path, help="model directory")
    parser.add_argument("--corpus", type=pathlib.Path, required=True)
    parser.add_argument("--log", type=pathlib.Path, required=True, help="log.csv of the training")
    parser.add_argument("--int8", type=pathlib.Path, required=True,
                        help="written by npm run eval -- DIR/stories.val.txt --weights int8 --json FILE")
    parser.add_argument("--samples", type=pathlib.Path, required=True, help="written by sample.js")
    args = parser.parse_args()
    model = export.read(args.model)
    tokenizer = bpe.Tokenizer.load(args.model / "tokenizer.json")
    documents, n_bytes = data.encode_documents(args.corpus / "stories.val.txt", tokenizer)
    n_tokens = sum(map(len, documents))
    bits = evaluate.bits_per_byte(model, documents, n_bytes, model.n_positions)
    with open(args.log, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    int8 = json.loads(args.int8.read_text(encoding="utf-8"))
    sampling = json.loads((args.model / "generation_config.json").read_text(encoding="utf-8"))
    template = pathlib.Path(__file__).with_name(f"card.{args.model.name}.md").read_text(encoding="utf-8")
    card = template.format(
        int8_bits=f"{int8['bitsPerByte']:.4f}", same=f"{100 * int8['sameTop1']:.1f}",
        bits=f"{bits:.4f}", perplexity=f"{2 ** (bits * n_bytes / n_tokens):.2f}",
        val_bytes=f"{n_bytes:,}", val_tokens=f"{n_tokens:,}", val_documents=len(documents),
        parameters=f"{sum(p.numel() for p in model.parameters()):,}",
        **model.config(), minutes=f"{float(rows[-1]['minutes']):.1f}", steps=f"{int(rows[-1]['step']):,}",
        tokens=f"{int(rows[-1]['tokens']) / 1e6:.0f}", temperature=sampling["temperature"],
        top_p=sampling["top_p"], penalty=sampling["repetition_penalty"], books=books(args.corpus),
        samples=args.samples.read_text(encoding="utf-8"))
    (args.model / "README.md").write_text(card, encoding="utf-8")
    (args.model / "curve.svg").write_text(curve(rows, n_bytes / n_tokens), encoding="utf-8")
    print(f"{bits:.5f} bits per byte")


if __name__ == "__main__":
    main()
