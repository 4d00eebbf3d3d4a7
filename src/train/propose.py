"""What several trained models say together of words, where others than networks help to choose: the targets of distil.py."""
import collections
import math

import numpy as np
import torch
from torch.nn import functional as F

import sounds

LONGEST, KEPT = 36, 6  # phonemes; likeliest ones of a step


class Steps:
    """A decoder, phoneme by phoneme: what it has computed is kept.   source: letters [B, S]"""

    def __init__(self, model, source):
        self.model, self.dtype, self.length = model, model.dtype, 0
        self.padding = torch.where(source == 0, -math.inf, 0.0)[:, None, None]
        seen = model.encoder(model.shared(source), self.padding, self.dtype)
        self.blocks = [[half for half in block["layer"]] for block in model.decoder.block]
        self.cross = [[self.split(half[1].EncDecAttention, seen, name) for name in "kv"] for half in self.blocks]
        self.own = [None] * len(self.blocks)

    def split(self, attention, x, name):
        heads = F.linear(x, getattr(attention, name).weight.to(self.dtype)).unflatten(-1, (attention.heads, attention.d))
        return heads.transpose(1, 2)

    def attend(self, attention, x, k, v, bias):
        scores = (self.split(attention, x, "q") * attention.query @ k.transpose(2, 3)).float() + bias
        out = torch.softmax(scores, -1).to(self.dtype) @ v
        return F.linear(out.transpose(1, 2).flatten(2), attention.o.weight.to(self.dtype))

    def __call__(self, last):
        """Ids [B] -> probabilities of what comes next, [B, V]."""
        decoder, (x, t) = self.model.decoder, (self.model.shared(last)[:, None], self.length)
        table = self.blocks[0][0].SelfAttention.relative_attention_bias.weight
        near = table[decoder.near[t, :t + 1]].t()[None, :, None]
        for i, (first, second, third) in enumerate(self.blocks):
            seen = first.layer_norm(x).to(self.dtype)
            new = [self.split(first.SelfAttention, seen, name) for name in "kv"]
            self.own[i] = [torch.cat(pair, 2) for pair in zip(self.own[i], new)] if t else new
            x = x + self.attend(first.SelfAttention, seen, *self.own[i], near)
            x = x + self.attend(second.EncDecAttention, second.layer_norm(x).to(self.dtype), *self.cross[i], self.padding)
            x = x + third.DenseReluDense(third.layer_norm(x).to(self.dtype), self.dtype)
        self.length += 1
        out = decoder.final_layer_norm(x).to(self.dtype)
        return torch.softmax(F.linear(out, self.model.lm_head.weight.to(self.dtype))[:, 0].float(), -1)

    def keep(self, rows):
        self.padding = self.padding[rows]
        self.cross, self.own = ([[x[rows] for x in pair] for pair in pairs] for pairs in (self.cross, self.own))


@torch.no_grad()
def proposals(models, names, alphabet, count, batch=512):
    """Beam search with the mean of the models.  -> word: its likeliest (phonemes, logarithm), `count` or a few more"""
    found, names = {}, sorted(names, key=len)
    for first in range(0, len(names), batch):
        some = names[first:first + batch]
        length = len(some[-1]) + 1
        source = torch.tensor([alphabet.letters(n) + [0] * (length - 1 - len(n)) for n in some])
        steps, done = [Steps(model, source) for model in models], {n: [] for n in some}
        beams = [(name, 0.0, []) for name in some]  # of each row: its word, logarithm and ids
        while beams and steps[0].length < LONGEST:
            last = torch.tensor([ids[-1] if ids else 0 for *_, ids in beams])
            logs, ids = torch.log(sum(step(last) for step in steps) / len(steps)).topk(count)
            ways = collections.defaultdict(list)
            for row, (name, before, _) in enumerate(beams):
                ways[name] += [(before + log, row, i) for log, i in zip(logs[row].tolist(), ids[row].tolist())]
            kept = []
            for name, each in ways.items():
                going = []
                for log, row, i in sorted(each, reverse=True):
                    if len(going) == count or (len(done[name]) >= count and log < min(x for _, x in done[name])):
                        break
                    if i == 1:
                        done[name].append((alphabet.spoken(beams[row][2]), log))
                    else:
                        going.append((row, (name, log, [*beams[row][2], i])))
                kept += going
            beams = [beam for _, beam in kept]
            if kept:
                for step in steps:
                    step.keep(torch.tensor([row for row, _ in kept]))
        found.update(done)
    return found


@torch.no_grad()
def logits(model, pairs, alphabet, batch=512):
    """Of each pair of a word and its phonemes: what the model gives to each next one, [T, V]"""
    found, order = [None] * len(pairs), sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]))
    for first in range(0, len(order), batch):
        places = order[first:first + batch]
        letters, ids = ([which(pairs[i][n]) for i in places] for n, which in enumerate((alphabet.letters, alphabet.sounds)))
        out = model(padded(letters), F.pad(padded(ids), (1, -1))).float()
        for i, row, one in zip(places, out, ids):
            found[i] = row[:len(one)]
    return found


def padded(rows):
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])


def own(model, pairs, alphabet):
    """The logarithm of what the model alone gives to each."""
    return [torch.log_softmax(z, -1)[range(len(z)), alphabet.sounds(phonemes)].sum().item()
            for z, (_, phonemes) in zip(logits(model, pairs, alphabet), pairs)]


def by_phonemes(said, logs):
    """-> the share of each, and that of each without its stress"""
    shares, bare = torch.softmax(torch.tensor(logs), 0).tolist(), collections.Counter()
    for phonemes, share in zip(said, shares):
        bare[sounds.bare(phonemes)] += share
    return shares, bare


def targets(said, logs, alphabet):
    """said: pronunciations, logs: how likely each is -> the ids to learn, with the stress that is likeliest of those whose
    phonemes are likeliest; at each of their steps the shares of those that agree so far, [T, KEPT] ids and shares."""
    shares, bare = by_phonemes(said, logs)
    chosen = max(zip(shares, said), key=lambda one: (bare[sounds.bare(one[1])], one[0]))[1]
    every, ids = [alphabet.sounds(p) for p in said], alphabet.sounds(chosen)
    likely, share_of = np.zeros((len(ids), KEPT), np.uint8), np.zeros((len(ids), KEPT), np.float32)
    for t in range(len(ids)):
        next_ = collections.Counter()
        for one, share in zip(every, shares):
            if one[:t] == ids[:t]:
                next_[one[t]] += share
        for k, (i, share) in enumerate(next_.most_common(KEPT)):
            likely[t, k], share_of[t, k] = i, share / sum(next_.values())
    return ids, likely, share_of


def labelled(models, pupil, advice, names, alphabet, heat, count=4):
    """-> of each word for which the search came to an end: letters, *targets, and how far from these the pupil is (the
    nats of one without stress more than the other).   advice: pairs -> numbers that are added to the logarithms;
    heat: what these are divided by"""
    found = {name: said for name, said in proposals(models, names, alphabet, count).items() if said}
    pairs = [(name, phonemes) for name, said in found.items() for phonemes, _ in said]
    more, alone, rows = iter(advice(pairs)), iter(own(pupil, pairs, alphabet) if pupil else ()), []
    for name, said in found.items():
        phonemes, logs, far = [p for p, _ in said], [(log + next(more)) / heat for _, log in said], 0.0
        if pupil:
            (_, ours), (_, its) = by_phonemes(phonemes, logs), by_phonemes(phonemes, [next(alone) for _ in said])
            far = sum(p * math.log(p / max(its[one], 1e-6)) for one, p in ours.items() if p > 1e-6)
        rows.append((alphabet.letters(name), *targets(phonemes, logs, alphabet), far))
    return rows


def remembered(models, pairs, alphabet, sure):
    """What the models together give to the phonemes of words that they learned, `sure` of it moved to what is written:
    letters and *targets of the pronunciation of each word that they find likeliest."""
    means = [torch.stack(each).softmax(-1).mean(0) for each in zip(*(logits(model, pairs, alphabet) for model in models))]
    best = {}
    for (name, phonemes), mean in zip(pairs, means):
        ids = alphabet.sounds(phonemes)
        log = mean[range(len(ids)), ids].log().sum().item()
        if name not in best or log > best[name][0]:
            best[name] = log, ids, mean
    rows = []
    for name, (_, ids, mean) in best.items():
        mean = (1 - sure) * mean
        mean[range(len(ids)), ids] += sure
        shares, likely = mean.topk(KEPT)
        shares /= shares.sum(-1, keepdim=True)
        rows.append((alphabet.letters(name), ids, likely.numpy().astype(np.uint8), shares.numpy()))
    return rows
