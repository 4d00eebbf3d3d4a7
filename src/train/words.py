"""The CMU Pronouncing Dictionary: words, their sounds, which word trains and which is kept back.

The npm package cmu-pronouncing-dictionary is a JavaScript module with one `"word": "S AW1 N D Z"` a line; further
pronunciations of a word are "word(2)", a "#" begins a remark.
"""
import collections
import hashlib
import json
import re

PAD, EOS, UNKNOWN = "<pad>", "</s>", "<unk>"
LETTERS = "'-.abcdefghijklmnopqrstuvwxyz"
LINE = re.compile(r'^\s*"(.*)": "(.*)",?$')
# What an inflected word has behind the stem that it shares with others: longest first.
ENDINGS = ["nesses", "ness", "iness", "ingly", "edly", "ings", "ing", "iest", "est", "iers", "ier", "ers", "er", "ies",
           "ied", "ily", "ly", "es", "ed", "s", "d", "r", "y", "e"]
KEPT_BACK, CHECKED = 5, 3  # per cent of the families of words: for the test, for choosing between trainings


def read(path):
    """index.js of the package -> word: its pronunciations, each a tuple of phonemes with their stress."""
    said = collections.defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for line in file:
            match = LINE.match(line)
            if match:
                word, sounds = re.sub(r"\(\d+\)$", "", match[1]), tuple(match[2].split("#")[0].split())
                if sounds not in said[word]:
                    said[word].append(sounds)
    return dict(said)


def stems(word):
    """Spellings that a word would have without its ending, and those of stems that change before an ending."""
    bare = re.sub(r"[^a-z]", "", re.sub(r"('s|s'|')$", "", word))
    found = {bare}
    for ending in ENDINGS:
        stem = bare.removesuffix(ending)
        if stem == bare or len(stem) < 3:
            continue
        found |= {stem, stem + "e", stem + "y"}
        if stem[-1] == stem[-2]:
            found.add(stem[:-1])
    return found


def families(words):
    """word -> the name of its family: what shares a stem, directly or through others; a stem of three letters, and one
    that had to be spelt otherwise than it stands, only where it is a word itself."""
    parent = {}

    def root(name):
        while parent.setdefault(name, name) != name:
            parent[name] = name = parent[parent[name]]
        return name

    bare = {re.sub(r"[^a-z]", "", word) for word in words}
    for word in words:
        own = re.sub(r"[^a-z]", "", word)
        for stem in stems(word):
            if stem in bare or (len(stem) > 3 and own.startswith(stem)):
                a, b = sorted((root(own), root(stem)))
                parent[b] = a
    return {word: root(re.sub(r"[^a-z]", "", word)) for word in words}


def split(said):
    """word -> 'train', 'dev' or 'test', the same for all words of a family: it hangs on the family's name alone."""
    def part(family):
        place = int.from_bytes(hashlib.sha256(family.encode()).digest()[:4], "big") % 100
        return "test" if place < KEPT_BACK else "dev" if place < KEPT_BACK + CHECKED else "train"
    return {word: part(family) for word, family in families(said).items()}


class Alphabet:
    """One vocabulary for letters and phonemes: each is a token."""

    def __init__(self, said):
        sounds = sorted({s for every in said.values() for one in every for s in one})
        self.tokens = [PAD, EOS, UNKNOWN, *LETTERS, *("▁" + s for s in sounds)]
        self.id = {token: i for i, token in enumerate(self.tokens)}

    def letters(self, word):
        return [*(self.id.get(c, 2) for c in word.lower()), 1]

    def sounds(self, phonemes):
        return [*(self.id["▁" + s] for s in phonemes), 1]

    def spoken(self, ids):
        """Ids that a decoder wrote -> phonemes, as far as the end."""
        ids = list(ids)
        ids = ids[:ids.index(1)] if 1 in ids else ids
        return tuple(self.tokens[i].removeprefix("▁") for i in ids if i > 2)

    def to_json(self):
        """The contents of a Hugging Face tokenizer.json: a word -> its letters and </s>; ids -> "S AW1 N D Z"."""
        flags = dict.fromkeys(["single_word", "lstrip", "rstrip", "normalized"], False)
        bar = {"type": "Metaspace", "replacement": "▁"}
        lower = [{"type": "Replace", "pattern": {"String": c.upper()}, "content": c} for c in LETTERS if c.isalpha()]
        return {
            "version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": i, "content": token, **flags, "special": True}
                             for i, token in enumerate(self.tokens[:3])],
            "normalizer": {"type": "Sequence", "normalizers": lower},
            "pre_tokenizer": {**bar, "prepend_scheme": "never", "split": True},
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": EOS, "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": EOS, "type_id": 0}},
                         {"Sequence": {"id": "B", "type_id": 0}}, {"SpecialToken": {"id": EOS, "type_id": 0}}],
                "special_tokens": {EOS: {"id": EOS, "ids": [1], "tokens": [EOS]}}},
            "decoder": {**bar, "prepend_scheme": "always", "split": True},
            "model": {"type": "Unigram", "unk_id": 2, "byte_fallback": False,
                      "vocab": [[token, 0.0 if i < 3 else -1.0] for i, token in enumerate(self.tokens)]}}


if __name__ == "__main__":
    import sys
    said = read(sys.argv[1])
    parts, names = split(said), families(said)
    sizes = collections.Counter(names.values())
    print(json.dumps({"words": len(said), "pronunciations": sum(map(len, said.values())), "families": len(sizes),
                      "words of each part": collections.Counter(parts.values()), "largest families": sizes.most_common(5)}))
