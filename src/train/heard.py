"""Which of several pronunciations is the nearest to what someone else says of a word: another program, or notes of names.
They err otherwise than models that learned from one dictionary.

Their phonemes are others than the dictionary's. How they belong together is learned from words of the dictionary: what
becomes of one phoneme, or of two, and what comes from nothing.
"""
import collections
import math

ROUNDS, UNSEEN = 5, -14.0
LOST = -9.0  # the logarithm where a phoneme that was never lost, or never added, is
LEAST = 3.0  # how much worse than the best a pronunciation counts at most


def weakened(sounds):
    """Phonemes of the dictionary: of stress only whether there is any."""
    return tuple(s[:-1] + min(s[-1], "1") if s[-1].isdigit() else s for s in sounds)


class Heard:
    """How likely they say something of a pronunciation."""

    def __init__(self, pairs):
        """pairs: phonemes of the dictionary, theirs of the same word"""
        pairs, count = [(weakened(a), b) for a, b in pairs], collections.Counter()
        for ours, theirs in pairs:  # to begin with, what stands at about the same place
            for i, one in enumerate(ours):
                place = round(i * len(theirs) / len(ours))
                for j in range(max(0, place - 1), min(len(theirs), place + 2)):
                    count[(one,), (theirs[j],)] += 2 if j == place else 1
        for _ in range(ROUNDS):
            self.estimate(count)
            count = collections.Counter(change for pair in pairs for change in self.way(*pair)[1])

    def estimate(self, count):
        total, every = collections.Counter(), sum(n for (ours, _), n in count.items() if ours)
        for (ours, _), n in count.items():
            total[ours] += n
        self.logs = {}
        for (ours, theirs), n in count.items():
            p = (n + 0.05) / (total[ours] + 5) if ours else n / every
            self.logs[ours, theirs] = math.log(p) - (len(ours) == 2)

    def way(self, ours, theirs):
        """-> the logarithm of the likeliest way from one to the other, and its changes"""
        best = {(0, 0): (0.0, None, None)}
        for i in range(len(ours) + 1):
            for j in range(len(theirs) + 1):
                for a, b in ((1, 1), (1, 0), (0, 1), (1, 2), (2, 1)):
                    if i >= a and j >= b:
                        change = ours[i - a:i], theirs[j - b:j]
                        log = best[i - a, j - b][0] + self.logs.get(change, UNSEEN if a and b else LOST)
                        if (i, j) not in best or log > best[i, j][0]:
                            best[i, j] = log, (i - a, j - b), change
        place, changes = (len(ours), len(theirs)), []
        log = best[place][0]
        while best[place][1]:
            _, place, change = best[place]
            changes.append(change)
        return log, changes

    def score(self, ours, theirs):
        return self.way(weakened(ours), theirs)[0]


def shaped(scores, fade):
    """Scores of the pronunciations of a word: how far each is behind the best, and the less of it the worse the best is.
    It tells little of bad ones, and little where they agree with none."""
    best = max(scores)
    return [max(score - best, -LEAST) * math.exp(best / fade) for score in scores]
