"""Trained models of sounds -> one that has learned from all of them: words that the dictionary has not, as the models say
them together, with a model of joint units and perhaps other programs to help; and the dictionary, as they know it.

    python3 src/train/distil.py build/sounds/one build/sounds/two --words .../index.js --others names.txt --ask espeak pico \
        --out web/models/sounds --steps 2000

Of the others none is of a family that is kept back for the test or for choosing.
"""
import argparse
import collections
import csv
import random
import time

import train  # first: it chooses PyTorch's kernels
import torch
from torch.nn import functional as F

import espeak
import notes
import optim
import pico
import propose
import sounds
import t5
import words
from heard import Heard, shaped
from joint import Joint
from unheard import unheard

SLOWEST, LOOKS = 0.002, 20  # what a step adds to the mean of the weights, at least; looks at the words for choosing
JOINT, HEARD = 0.35, 22000  # weight of the joint model; words from which phonemes of others are learned
OTHERS = {"espeak": (espeak.asked, 0.59, 6), "pico": (pico.asked, 1.19, 6), "notes": (notes.asked, 0.93, 8)}  # weight, fade
HEAT = 2.55  # what all logarithms together are divided by: they agree too much to be added
LEVEL, FARTHEST = 0.3, 1.5  # another word is drawn as often as LEVEL and the nats that the pupil was from its target


def listened(pairs, others, drawn):
    """What others say, and how it goes with ours, from words that are trained on.  -> their asked, weight, fade and Heard"""
    found, some = [], drawn.sample(pairs, min(HEARD, len(pairs)))
    for asked, weight, fade in (OTHERS[name] for name in others):
        theirs = asked([word for word, _ in some])
        found.append((asked, weight, fade, Heard([(phonemes, theirs[word][0]) for word, phonemes in some if word in theirs])))
    return found


def advice(joint, others):
    """Pairs of a word and its phonemes, those of a word together -> what is to be added to the logarithm that the models give
    to each."""
    def advise(pairs):
        more = [JOINT * max(score, -60) for score in joint.scores(pairs)]
        names = sorted({word for word, _ in pairs})
        for asked, weight, fade, heard in others:
            theirs, places = asked(names), collections.defaultdict(list)
            for i, (word, _) in enumerate(pairs):
                places[word].append(i)
            for word in theirs:
                scores = [max(heard.score(pairs[i][1], one) for one in theirs[word]) for i in places[word]]
                for i, score in zip(places[word], shaped(scores, fade)):
                    more[i] += weight * score
        return more
    return advise


def batches(rows, odds, size, drawn):
    """Batches of rows drawn by their odds, words of about the same length in each, so that little is padded."""
    while True:
        some = sorted(drawn.choices(rows, odds, k=16 * size), key=lambda row: (len(row[0]), len(row[1])))
        cut = [some[i:i + size] for i in range(0, len(some), size)]
        drawn.shuffle(cut)
        for batch in cut:
            longest = max(len(row[1]) for row in batch)
            likely, shares = (torch.zeros(size, longest, propose.KEPT, dtype=kind) for kind in (torch.long, torch.float))
            for n, (_, ids, one, its) in enumerate(row[:4] for row in batch):
                likely[n, :len(ids)], shares[n, :len(ids)] = torch.as_tensor(one).long(), torch.as_tensor(its)
            yield propose.padded([row[0] for row in batch]), propose.padded([row[1] for row in batch]), likely, shares


class Lesson:
    """What a step of the training lessens: nats a phoneme, of words of both kinds, each with dropout of its own."""

    def __init__(self, model, rates):
        self.model, self.rates = model, rates

    def __call__(self, *both):
        nats = phonemes = 0
        for batch, rate in zip((both[:4], both[4:]), self.rates):
            letters, ids, likely, shares = batch
            for stack in (self.model.encoder, self.model.decoder):
                stack.drop.p = rate
            logs = torch.log_softmax(self.model(letters, F.pad(ids, (1, -1))).float(), -1)
            nats, phonemes = nats - (shares * logs.gather(-1, likely)).sum(), phonemes + (ids != 0).sum()
        return nats / phonemes


class Mean:
    """The mean of the weights over the last steps of a training, and at first over those of the pupil before it."""

    def __init__(self, model, goes_on):
        self.model, self.steps = model, 1 / SLOWEST if goes_on else 0
        self.weights = [p.detach().clone() for p in model.parameters()]

    @torch.no_grad()
    def take(self):
        self.steps += 1
        for mean, p in zip(self.weights, self.model.parameters()):
            mean.lerp_(p, max(1 / (self.steps + 1), SLOWEST))

    @torch.no_grad()
    def swap(self):
        """The model has the mean, and this what the model had."""
        for p, mean in zip(self.model.parameters(), self.weights):
            held = p.clone()
            p.copy_(mean)
            mean.copy_(held)


def learn(model, args, known, rest, look):
    """-> the log"""
    drawn, mean, lesson = random.Random(args.seed), Mean(model, args.pupil), Lesson(model, (args.dropout_others, args.dropout))
    optimizers = optim.build(model, args.lr, args.weight_decay)
    step, count = optim.Captured(model.parameters(), lesson, optimizers), round(args.batch * args.share)
    given = zip(batches(rest, [LEVEL + min(row[4], FARTHEST) for row in rest], count, drawn),
                batches(known, [1] * len(known), args.batch - count, drawn))
    running, steps, looks, log, done, began = None, 0, 0, [], 0.0, time.monotonic()
    while done < 1:
        optim.set_rate(optimizers, args.lr * min(1.0, (steps + 1) / 60, (1 - done) / args.decay))
        others, dictionary = next(given)
        loss = step(*others, *dictionary).item()
        running = loss if running is None else running * 0.97 + 0.03 * loss
        mean.take()
        steps += 1
        minutes, done = (time.monotonic() - began) / 60, steps / args.steps
        if int(done * LOOKS) > looks:
            looks = int(done * LOOKS)
            mean.swap()
            rates = look()
            if done < 1:
                mean.swap()
            log.append([steps, f"{minutes:.2f}", *(f"{x:.4f}" for x in (running, rates["word_error"], rates["phoneme_error"]))])
            print(*log[-1], flush=True)
    return log


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", help="directories that sounds.py or this wrote")
    parser.add_argument("--words", required=True, help="index.js of the package cmu-pronouncing-dictionary")
    parser.add_argument("--others", nargs="*", default=[], help="files of words; FILE:COUNT for so many of them")
    parser.add_argument("--made", type=int, default=0, help="further words, made of letters")
    parser.add_argument("--ask", nargs="*", default=[], choices=OTHERS, help="others who say words; see their files")
    parser.add_argument("--pupil", help="directory of the model that goes on learning; without it a new one does")
    parser.add_argument("--out", required=True, help="model directory to write")
    parser.add_argument("--log", help="CSV file of the training")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--decay", type=float, default=0.5, help="share of them in which the learning rate falls to zero")
    parser.add_argument("--lr", type=float, default=2.5e-3)
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--batch", type=int, default=640, help="words a step")
    parser.add_argument("--share", type=float, default=0.7, help="of these that the dictionary has not")
    parser.add_argument("--sure", type=float, default=0.5, help="weight of the dictionary against what the models know of it")
    parser.add_argument("--dropout", type=float, default=0.25)
    parser.add_argument("--dropout-others", type=float, default=0.05)
    parser.add_argument("--layers", type=int, default=4, help="of a new model")
    parser.add_argument("--decoder-layers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main():
    args = arguments()
    train.tune_process(args.threads)
    torch.manual_seed(args.seed)
    said = words.read(args.words)
    parts, alphabet, drawn = words.split(said), words.Alphabet(said), random.Random(args.seed)
    pairs = [(w, p) for w in said if parts[w] == "train" for p in said[w]]
    models = [sounds.read(folder, torch.bfloat16) for folder in args.models]
    pupil = sounds.read(args.pupil, torch.bfloat16) if args.pupil else None
    names = unheard(said, args.others, args.made, args.seed)
    rest = propose.labelled(models, pupil, advice(Joint(pairs), listened(pairs, args.ask, drawn)), names, alphabet, HEAT)
    known = propose.remembered(models, pairs, alphabet, args.sure)
    print(f"{len(known)} words of the dictionary, {len(rest)} others", flush=True)
    model = pupil or t5.T5(len(alphabet.tokens), 128, 4, 32, 192, args.layers, args.decoder_layers, dtype=torch.bfloat16)
    dev = [w for w in said if parts[w] == "dev"]

    def look():
        model.eval()
        rates = sounds.errors(said, {n: one[0][0] for n, one in propose.proposals([model], dev, alphabet, 1).items() if one})
        model.train()
        return rates

    model.train()
    log = learn(model, args, known, rest, look)
    if args.log:
        with open(args.log, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["step", "minutes", "train_loss", "dev_word_error", "dev_phoneme_error"])
            writer.writerows(log)
    sounds.write(model, alphabet, args.out)
    print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
