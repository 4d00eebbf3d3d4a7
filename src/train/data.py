"""The corpus: text files -> documents -> one stream of token ids -> shuffled windows."""
import json
import pathlib

import numpy as np

import bpe


def read_documents(path):
    """The texts between the `<|endoftext|>` lines of a file."""
    parts = path.read_text(encoding="utf-8").split(bpe.END)
    return [text for text in (part.strip("\n") for part in parts) if text]


def encode_documents(path, tokenizer):
    """A file -> its documents as ids, each after an end-of-text token, and their bytes of text."""
    texts = read_documents(path)
    documents = [np.array([tokenizer.end, *tokenizer.encode(text)]) for text in texts]
    return documents, sum(len(text.encode()) for text in texts)


class Corpus:
    """Training and validation documents as arrays of token ids; cached in the work folder.

    children: so many parts, the first, are children's books like those that are held out; the tokenizer is
    learned from them."""

    def __init__(self, folder, work, vocab_size, children=6):
        folder, work = pathlib.Path(folder), pathlib.Path(work)
        tokenizer_file = work / f"tokenizer.{vocab_size}.json"
        cache = work / f"train.{vocab_size}.npz"
        if tokenizer_file.exists() and cache.exists():
            self.tokenizer = bpe.Tokenizer.load(tokenizer_file)
        else:
            files = sorted(folder.glob("stories.train.*.txt"))
            if not files:
                raise SystemExit(f"{folder} has no stories.train.*.txt")
            parts = [read_documents(file) for file in files]
            if tokenizer_file.exists():
                self.tokenizer = bpe.Tokenizer.load(tokenizer_file)
            else:
                self.tokenizer = bpe.Tokenizer(bpe.train(sum(parts[:children], []), vocab_size))
            end = [self.tokenizer.end]
            coded = [[t for text in part for t in end + self.tokenizer.encode(text)] for part in parts]
            work.mkdir(parents=True, exist_ok=True)
            np.savez(cache, *(np.array(part, dtype=np.uint16) for part in coded))
            tokenizer_file.write_text(json.dumps(self.tokenizer.to_json()), encoding="utf-8")
        self.train = []  # of each part, documents that each begin with the end-of-text token
        with np.load(cache) as parts:
            for name in parts:
                stream = parts[name]
                self.train.append(np.split(stream, np.flatnonzero(stream == self.tokenizer.end)[1:]))
        self.val, self.val_bytes = encode_documents(folder / "stories.val.txt", self.tokenizer)

    def parts(self, count):
        """The documents of the first parts."""
        return [document for part in self.train[:count] for document in part]


class Windows:
    """Cuts the shuffled documents into windows; an epoch shows every window once.

    Which windows come next depends only on the seed, the context length and how many came
    before, so a resumed run goes on where it stopped.
    """

    def __init__(self, documents, seed):
        self.documents, self.seed, self.key = documents, seed, None

    def take(self, first, count, context):
        """Windows number first .. first + count - 1 -> [count, context + 1] token ids."""
        return np.stack([self.window(i, context) for i in range(first, first + count)])

    def window(self, index, context):
        per_epoch = sum(map(len, self.documents)) // context - 1
        epoch, place = divmod(index, per_epoch)
        if self.key != (epoch, context):
            self.key = (epoch, context)
            random = np.random.default_rng([self.seed, epoch, context])
            order = random.permutation(len(self.documents))
            self.stream = np.concatenate([self.documents[d] for d in order]).astype(np.int64)
            self.starts = random.permutation(per_epoch) * context + random.integers(context)
        start = self.starts[place]
        return self.stream[start:start + context + 1]
