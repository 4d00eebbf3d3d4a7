"""Words that the dictionary has not, for models to say: of lists, or made of letters."""
import collections
import pathlib
import random
import re

import words

BEFORE = 4  # letters that a made word's next one hangs on


def made(known, count, drawn):
    """So many words, each letter drawn from those that come behind the ones before it in words that are known."""
    nexts, found = collections.defaultdict(list), set()
    for word in known:
        row = "^" * BEFORE + word + "$"
        for i in range(BEFORE, len(row)):
            nexts[row[i - BEFORE:i]].append(row[i])
    while len(found) < count:
        row = "^" * BEFORE
        while row[-1] != "$":
            row += drawn.choice(nexts[row[-BEFORE:]])
        found.add(row[BEFORE:-1])
    return found


def unheard(said, files, count, seed):
    """Words of files ("NAME", or "NAME:COUNT" for so many of them) and made ones, which the dictionary has not: of no
    family of which it has words that are not trained on."""
    parts, drawn = words.split(said), random.Random(seed)
    sources = [(made((w for w in said if parts[w] == "train"), count, drawn), count)]
    for file in files:
        name, _, most = file.partition(":")
        sources.append((pathlib.Path(name).read_text(encoding="utf-8").lower().split(), int(most or 10**9)))
    fits = lambda w: re.fullmatch("[a-z]+('[a-z]+)?", w) and 3 <= len(w) <= 20 and w not in said  # noqa: E731
    sources = [(sorted(set(filter(fits, some))), most) for some, most in sources]
    names = words.families([*said, *(w for some, _ in sources for w in some)])
    kept_back = {names[w] for w in said if parts[w] != "train"}
    found = set()
    for some, most in sources:
        some = [w for w in some if names[w] not in kept_back and w not in found]
        found.update(drawn.sample(some, min(most, len(some))))
    return sorted(found)
