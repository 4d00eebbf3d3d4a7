"""Byte-level BPE, trained and applied the way GPT-2 does it (Radford et al., 2019).

text -> pieces (regex) -> bytes -> token ids (merges in order of rank). Ids 0..255 are the bytes
themselves, then one id per merge, and the last id is the end-of-text token.
"""
import collections
import heapq
import json
import re
import sys
import unicodedata

END = "<|endoftext|>"


def category_class(major):
    """The code points of a Unicode major category ('L', 'N') as the inside of a regex class."""
    points = [c for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c))[0] == major]
    runs, start = [], points[0]
    for here, after in zip(points, points[1:] + [None]):
        if after != here + 1:
            runs.append(f"\\U{start:08x}-\\U{here:08x}")
            start = after
    return "".join(runs)


# Python's \s, \w and \d are not Unicode's White_Space, L and N, so the classes are spelt out.
SPACE = "\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
LETTER, NUMBER = category_class("L"), category_class("N")
PIECES = re.compile(
    f"'s|'t|'re|'ve|'m|'ll|'d| ?[{LETTER}]+| ?[{NUMBER}]+| ?[^{SPACE}{LETTER}{NUMBER}]+"
    f"|[{SPACE}]+(?![^{SPACE}])|[{SPACE}]+")


def byte_to_char():
    """GPT-2's printable stand-in for each byte: itself, or 256 + n where it would be invisible."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in shown]
    return {b: chr(b) for b in shown} | {b: chr(256 + n) for n, b in enumerate(hidden)}


def train(texts, vocab_size):
    """Learns vocab_size - 257 merges; returns them as pairs of ids, in order."""
    counts = collections.Counter(piece for text in texts for piece in PIECES.findall(text))
    words = [[list(piece.encode()), n] for piece, n in counts.items()]
    pair_count, pair_words = collections.Counter(), collections.defaultdict(set)
    for w, (ids, n) in enumerate(words):
        for pair in zip(ids, ids[1:]):
            pair_count[pair] += n
            pair_words[pair].add(w)
    heap = [(-n, pair) for pair, n in pair_count.items()]
    heapq.heapify(heap)
    merges = []
    while len(merges) < vocab_size - 257:
        n, pair = heapq.heappop(heap)
        if pair_count[pair] != -n:  # a stale entry: the count changed since it was pushed
            continue
        merges.append(pair)
        changed = set()
        for w in pair_words.pop(pair):
            ids, count = words[w]
            merged = merge(ids, pair, 255 + len(merges))
            for old in zip(ids, ids[1:]):
                pair_count[old] -= count
                changed.add(old)
            for new in zip(merged, merged[1:]):
                pair_count[new] += count
                pair_words[new].add(w)
                changed.add(new)
            words[w][0] = merged
        for other in changed:
            if pair_count[other] > 0:
                heapq.heappush(heap, (-pair_count[other], other))
    return merges


def merge(ids, pair, new):
    """ids with every occurrence of pair, from the left, replaced by new."""
    out, i = [], 0
    while i < len(ids):
        if i + 1 < len(ids) and (ids[i], ids[i + 1]) == pair:
            out.append(new)
            i += 2
        else:
            out.append(ids[i])
            i += 1
    return out


class Tokenizer:
    def __init__(self, merges):
        self.merges = [tuple(pair) for pair in merges]
        self.rank = {pair: r for r, pair in enumerate(self.merges)}
        self.bytes = [bytes([b]) for b in range(256)]
        for a, b in self.merges:
            self.bytes.append(self.bytes[a] + self.bytes[b])
        self.end = len(self.bytes)  # the id of <|endoftext|>
        self.vocab_size = self.end + 1
        self.known = {}  # piece -> ids; natural text repeats its words

    def encode(self, text):
        """Token ids of text, which holds no end-of-text token."""
        return [t for piece in PIECES.findall(text) for t in self.encode_piece(piece)]

    def encode_piece(self, piece):
        if piece not in self.known:
            ids = list(piece.encode())
            while len(ids) > 1:
                best = min(zip(ids, ids[1:]), key=lambda pair: self.rank.get(pair, self.end))
                if best not in self.rank:
                    break
                ids = merge(ids, best, 256 + self.rank[best])
            self.known[piece] = ids
        return self.known[piece]

    def decode(self, ids):
        text = b"".join(END.encode() if t == self.end else self.bytes[t] for t in ids)
        return text.decode(errors="replace")

    def to_json(self):
        """The contents of a Hugging Face tokenizer.json."""
        char = byte_to_char()
        names = ["".join(char[b] for b in token) for token in self.bytes]
        flags = dict.fromkeys(["single_word", "lstrip", "rstrip", "normalized"], False)
        level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                 "use_regex": True}
        return {
            "version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": self.end, "content": END, **flags, "special": True}],
            "normalizer": None, "pre_tokenizer": level, "post_processor": level, "decoder": level,
            "model": {
                "type": "BPE", "dropout": None, "unk_token": None,
                "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False,
                "byte_fallback": False, "ignore_merges": False,
                "vocab": {**{name: i for i, name in enumerate(names)}, END: self.end},
                "merges": [f"{names[a]} {names[b]}" for a, b in self.merges],
            },
        }

    @staticmethod
    def load(path):
        """Reads back what to_json wrote."""
        with open(path, encoding="utf-8") as file:
            model = json.load(file)["model"]
        pairs = (pair.split(" ") for pair in model["merges"])
        return Tokenizer([(model["vocab"][a], model["vocab"][b]) for a, b in pairs])
