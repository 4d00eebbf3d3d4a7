"""Dictionary -> training -> a T5 that pronounces words, as a Hugging Face model directory.

    python3 src/train/sounds.py --words node_modules/cmu-pronouncing-dictionary/index.js --out web/models/sounds --minutes 5
"""
import argparse
import csv
import json
import math
import pathlib
import time

import torch

import export
import optim
import t5
import words

LENGTHS = [12, 32]  # words are padded to one of these, together with their sounds and both ends
EVERY = 20  # per cent of the budget between two looks at the words kept back for that


def tensors(said, names, alphabet, device):
    """Words with their first, second, ... pronunciations, by padded length: {length: (letters, sounds)}, [n, length]."""
    rows = {length: ([], []) for length in LENGTHS}
    for name in names:
        for sounds in said[name]:
            pair = alphabet.letters(name), alphabet.sounds(sounds)
            length = next(n for n in LENGTHS if n >= max(map(len, pair)))
            for all_, ids in zip(rows[length], pair):
                all_.append(ids + [0] * (length - len(ids)))
    return {length: tuple(torch.tensor(x, device=device) for x in pair) for length, pair in rows.items() if pair[0]}


def batches(data, size, seed, device):
    """One epoch: every batch has words of one padded length, so a few are left over in each epoch, others each time."""
    random = torch.Generator().manual_seed(seed)
    cut = []
    for letters, sounds in data.values():
        order = torch.randperm(len(letters), generator=random).to(device)
        count = min(size, len(order))
        cut += [(letters, sounds, order[i:i + count]) for i in range(0, len(order) - count + 1, count)]
    for i in torch.randperm(len(cut), generator=random).tolist():
        letters, sounds, rows = cut[i]
        yield letters[rows], sounds[rows]


def bare(sounds):
    return tuple(s.rstrip("012") for s in sounds)


def distance(a, b):
    """Changes, insertions and losses that make b of a."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(before + (x != y), row[j] + 1, row[j - 1] + 1)
    return row[-1]


def errors(said, answers):
    """Shares of words without a right pronunciation and of phonemes that must be changed for the nearest one: without
    stress and with it. answers: word -> phonemes."""
    rates = {}
    for kind, view in (("", bare), ("_stressed", tuple)):
        wrong = changes = total = 0
        for word, answer in answers.items():
            nearest = min((distance(view(answer), view(one)), -len(one), len(one)) for one in said[word])
            wrong += nearest[0] > 0
            changes, total = changes + nearest[0], total + nearest[2]
        rates[f"word_error{kind}"], rates[f"phoneme_error{kind}"] = wrong / len(answers), changes / total
    return rates


def greedy(model, names, alphabet, device, count=1024):
    answers = {}
    for length in LENGTHS:
        fits = [n for n in names if n not in answers and len(n) < length]
        for i in range(0, len(fits), count):
            some = fits[i:i + count]
            rows = [alphabet.letters(n) + [0] * (length - 1 - len(n)) for n in some]
            ids = model.speak(torch.tensor(rows, device=device), length + 4).tolist()
            answers.update({n: alphabet.spoken(x) for n, x in zip(some, ids)})
    return answers


def write(model, alphabet, folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    ends = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
    special = {"pad_token": words.PAD, "eos_token": words.EOS, "unk_token": words.UNKNOWN}
    files = {
        "config.json": {
            "architectures": ["T5ForConditionalGeneration"], "model_type": "t5", **model.shape, **ends,
            "feed_forward_proj": "gated-gelu", "relative_attention_num_buckets": t5.BUCKETS,
            "relative_attention_max_distance": t5.FAR, "layer_norm_epsilon": 1e-6, "dropout_rate": 0.0,
            "is_encoder_decoder": True, "use_cache": True, "tie_word_embeddings": False, "torch_dtype": "float16"},
        "generation_config.json": {**ends, "do_sample": False, "max_new_tokens": 40},
        "tokenizer.json": alphabet.to_json(),
        "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 64,
                                  "clean_up_tokenization_spaces": False, **special},
        "special_tokens_map.json": special}
    for name, content in files.items():
        text = json.dumps(content, indent=None if name == "tokenizer.json" else 2, ensure_ascii=False)
        (folder / name).write_text(text + "\n", encoding="utf-8")
    model.fold(max(LENGTHS))
    export.write_safetensors(folder / "model.safetensors",
                             {name: p.detach().cpu().half().numpy() for name, p in model.named_parameters()})


def read(folder, dtype):
    """The model in a directory that write made, ready to be trained on."""
    config = json.loads((pathlib.Path(folder) / "config.json").read_text(encoding="utf-8"))
    model = t5.T5(*(config[key] for key in ("vocab_size", "d_model", "num_heads", "d_kv", "d_ff", "num_layers",
                                            "num_decoder_layers")), dtype=dtype)
    model.load_state_dict(export.read_safetensors(pathlib.Path(folder) / "model.safetensors"))
    model.unfold()
    return model


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--words", required=True, help="index.js of the package cmu-pronouncing-dictionary")
    parser.add_argument("--out", required=True, help="model directory to write")
    parser.add_argument("--log", help="CSV file of the training")
    parser.add_argument("--minutes", type=float, help="budget in minutes of training")
    parser.add_argument("--epochs", type=float, help="budget in epochs, instead of minutes")
    parser.add_argument("--batch", type=int, default=1024, help="words a step")
    parser.add_argument("--lr", type=float, default=4e-3)
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--dropout", type=float, default=0.15)
    parser.add_argument("--smoothing", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--inner", type=int, default=192)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--decoder-layers", type=int, default=4)
    args = parser.parse_args()
    if (args.minutes is None) == (args.epochs is None):
        parser.error("give one of --minutes and --epochs")
    return args


def train(model, args, data, look, device):
    """Trains until the budget is used up; look: called now and then, with the share of it that is.  -> the log"""
    optimizers = optim.build(model, args.lr, args.weight_decay)
    loss = lambda *batch: model.loss(*batch, args.smoothing)  # noqa: E731
    step = optim.Captured(model.parameters(), torch.compile(loss, dynamic=False) if device == "cuda" else loss, optimizers)
    per_epoch = sum(1 for _ in batches(data, args.batch, 0, device))
    optim.set_rate(optimizers, 0.0)
    for letters, sounds in data.values():  # whatever is to be compiled is compiled before the time runs
        step(letters[:args.batch], sounds[:args.batch])
    mean, steps, log, seen = torch.zeros((), device=device), 0, [], 0
    began, epoch, done = time.monotonic(), 0, 0.0
    while done < 1:
        for batch in batches(data, args.batch, args.seed + 1000 * epoch, device):
            rate = min(1.0, (steps + 1) / 200) * (1 - done)
            optim.set_rate(optimizers, args.lr * rate)
            mean.lerp_(step(*batch), 0.02 if steps else 1.0)
            steps += 1
            if steps % 20 == 0 and device == "cuda":
                torch.cuda.synchronize()
            used = time.monotonic() - began
            done = min(1.0, steps / per_epoch / args.epochs if args.epochs else used / 60 / args.minutes)
            if done >= 1:
                break
        epoch += 1
        if int(100 * done / EVERY) > seen or done >= 1:
            seen = int(100 * done / EVERY)
            rates = look()
            log.append([steps, f"{steps / per_epoch:.1f}", f"{used / 60:.2f}", f"{mean.item():.4f}",
                        f"{rates['word_error']:.4f}", f"{rates['phoneme_error']:.4f}"])
            print(f"{100 * done:5.1f} %  step {steps}  {steps / per_epoch:.1f} epochs  {used:.0f} s  loss {log[-1][3]}  "
                  f"word error {log[-1][4]}  phoneme error {log[-1][5]}", flush=True)
    return log


def main():
    args = arguments()
    torch.manual_seed(args.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    said = words.read(args.words)
    parts, alphabet = words.split(said), words.Alphabet(said)
    part = lambda wanted: [n for n in said if parts[n] == wanted]  # noqa: E731
    model = t5.T5(len(alphabet.tokens), args.width, args.heads, 32, args.inner, args.layers, args.decoder_layers,
                  dtype=torch.bfloat16 if device == "cuda" else torch.float32,
                  dropout=args.dropout).to(device)
    print(f"{sum(p.numel() for p in model.parameters())} parameters, on {device}", flush=True)

    def look():
        model.eval()
        rates = errors(said, greedy(model, part("dev"), alphabet, device))
        model.train()
        return rates

    log = train(model, args, tensors(said, part("train"), alphabet, device), look, device)
    if args.log:
        with open(args.log, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["step", "epochs", "minutes", "train_loss", "dev_word_error", "dev_phoneme_error"])
            writer.writerows(log)
    write(model, alphabet, args.out)
    print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
