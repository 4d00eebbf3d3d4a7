"""What espeak-ng says of words: by rules and lists that people wrote."""
import re
import subprocess

TOKEN = re.compile(r"aI@|aI3|aU@|oU|eI|aI|OI|aU|i:|u:|O:|A:|3:|A@|e@|i@3|i@|o@|O@|U@|tS|dZ|@L|a#|I#|I2|[a-zA-Z@03&][#2]?")


def asked(names):
    """-> word: what it says, American, without stress; a list of one"""
    names = [name for name in names if name.isalpha()]
    text = "".join(f"{name}.\n\n" for name in names)  # each a paragraph, which is a line of the answer
    run = subprocess.run(["espeak-ng", "-q", "-x", "-v", "en-us"], input=text, capture_output=True, text=True, check=True)
    lines = [line for line in run.stdout.split("\n") if line]
    assert len(lines) == len(names)
    return {name: [tuple(TOKEN.findall(line))] for name, line in zip(names, lines)}
