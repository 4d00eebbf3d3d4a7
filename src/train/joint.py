"""Which letters make which sounds: an n-gram model of units, each of one or two letters with the phonemes that they
make (a joint-sequence model: Bisani and Ney, 2008). It errs otherwise than a network does, so it helps to choose
between what networks propose.

A unit is one letter with no, one or two phonemes, or two letters with one.
"""
import collections
import math

import numpy as np

import words

ORDER, ROUNDS, IMPOSSIBLE = 7, 6, -200.0
BEGIN, END = -1, -2


class Joint:
    def __init__(self, pairs):
        """pairs: words with a pronunciation, a tuple of phonemes"""
        self.place = {p: i for i, p in enumerate(sorted({p for _, sounds in pairs for p in sounds}))}
        letters, sounds = len(words.LETTERS), len(self.place)
        self.wide = 1 + sounds + sounds * sounds  # units of a letter
        self.lone = letters * self.wide           # units of one letter; those of two letters follow
        first = np.full(self.lone + letters * letters * sounds, 0.02)
        one = first[:self.lone].reshape(letters, -1)
        one[:, 0], one[:, 1:1 + sounds] = 0.3, 1.0
        self.likely = first / first.sum()
        for _ in range(ROUNDS):
            found = sum(self.expected(*group) for _, *group in self.groups(pairs))
            self.likely = found / found.sum()
            self.likely[self.likely < 1e-9] = 0
        self.likely += 1e-12
        self.count(units for units in self.align(pairs) if units)

    def groups(self, pairs):
        """Of pairs with as many letters and as many phonemes as each other: their places, letters [N, S], phonemes [N, T]."""
        alike = collections.defaultdict(list)
        for i, (word, sounds) in enumerate(pairs):
            if 0 < len(sounds) <= 2 * len(word) and set(word) <= set(words.LETTERS) and self.place.keys() >= set(sounds):
                alike[len(word), len(sounds)].append(i)
        for places in alike.values():
            yield (places, np.array([[words.LETTERS.index(c) for c in pairs[i][0]] for i in places]),
                   np.array([[self.place[p] for p in pairs[i][1]] for i in places]))

    def moves(self, letters, sounds):
        """The units that may lead to each place (letters taken, phonemes said): that place, the one before, ids [N]."""
        count = len(self.place)
        for i in range(1, letters.shape[1] + 1):
            last = letters[:, i - 1]
            for j in range(sounds.shape[1] + 1):
                yield (i, j), (i - 1, j), last * self.wide
                if j >= 1:
                    yield (i, j), (i - 1, j - 1), last * self.wide + 1 + sounds[:, j - 1]
                if j >= 2:
                    both = sounds[:, j - 2] * count + sounds[:, j - 1]
                    yield (i, j), (i - 1, j - 2), last * self.wide + 1 + count + both
                if i >= 2 and j >= 1:
                    pair = letters[:, i - 2] * len(words.LETTERS) + last
                    yield (i, j), (i - 2, j - 1), self.lone + pair * count + sounds[:, j - 1]

    def expected(self, letters, sounds):
        """How often each unit is expected in them, over all alignments."""
        shape = letters.shape[1] + 1, sounds.shape[1] + 1, len(letters)
        to, back = np.zeros(shape), np.zeros(shape)
        to[0, 0] = back[-1, -1] = 1
        moves = [(here, there, ids, self.likely[ids]) for here, there, ids in self.moves(letters, sounds)]
        for here, there, _, p in moves:
            to[here] += to[there] * p
        for here, there, _, p in reversed(moves):
            back[there] += back[here] * p
        whole = np.where(to[-1, -1] > 0, to[-1, -1], np.inf)
        weights = [to[there] * p * back[here] / whole for here, there, _, p in moves]
        return np.bincount(np.concatenate([ids for _, _, ids, _ in moves]), np.concatenate(weights), len(self.likely))

    def align(self, pairs):
        """-> the likeliest units of each pair; None where there are none."""
        found, logs = [None] * len(pairs), np.log(self.likely)
        for places, letters, sounds in self.groups(pairs):
            shape = letters.shape[1] + 1, sounds.shape[1] + 1, len(letters)
            best, before = np.full(shape, -np.inf), np.full((*shape, 3), -1)
            best[0, 0] = 0
            for here, there, ids in self.moves(letters, sounds):
                score = best[there] + logs[ids]
                better = score > best[here]
                best[here][better] = score[better]
                before[here][better] = np.column_stack([np.full((len(ids), 2), there), ids])[better]
            for n, place in enumerate(places):
                i, j, units = shape[0] - 1, shape[1] - 1, []
                while i and before[i, j, n, 0] >= 0:
                    i, j, unit = before[i, j, n].tolist()
                    units.append(unit)
                found[place] = units[::-1] if (i, j) == (0, 0) else None
        return found

    def count(self, sequences):
        """Kneser and Ney's counts: of the longest n-grams how often they came, of shorter ones behind how many units."""
        grams = collections.Counter(gram for units in sequences for gram in self.grams(units))
        self.levels = []
        for _ in range(ORDER):
            total, kinds = collections.Counter(), collections.Counter()
            for gram, count in grams.items():
                total[gram[:-1]] += count
                kinds[gram[:-1]] += 1
            once, twice = (sum(count == n for count in grams.values()) for n in (1, 2))
            self.levels.insert(0, (grams, total, kinds, once / (once + 2 * twice)))
            grams = collections.Counter(gram[1:] for gram in grams)

    @staticmethod
    def grams(units):
        row = [BEGIN] * (ORDER - 1) + units + [END]
        return [tuple(row[i:i + ORDER]) for i in range(len(units) + 1)]

    def probability(self, gram):
        """Of its last unit behind the others."""
        p = 1 / (len(self.levels[0][0]) + 1)
        for length, (grams, total, kinds, discount) in enumerate(self.levels, 1):
            part = gram[-length:]
            if not total[part[:-1]]:
                break
            p = (max(grams[part] - discount, 0) + discount * kinds[part[:-1]] * p) / total[part[:-1]]
        return p

    def scores(self, pairs):
        """The logarithm of each pair's probability, by its likeliest alignment."""
        return [sum(math.log(self.probability(gram)) for gram in self.grams(units)) if units else IMPOSSIBLE
                for units in self.align(pairs)]
