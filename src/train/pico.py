"""What SVOX Pico says of words: lists, rules and trees that were made for telephones. pico.c asks it.

    apt-get download libttspico-data libttspico-dev    # Apache 2.0; in non-free, as its data come without their source
    for deb in libttspico-*.deb; do dpkg -x $deb build/pico; done
"""
import pathlib
import subprocess

ROOT = pathlib.Path("build/pico")
FIRST = 38  # ids below it are stress, and the ends of syllables


def program():
    """-> pico.c, compiled"""
    made, source = ROOT / "pico", pathlib.Path(__file__).with_name("pico.c")
    if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
        library = next(ROOT.glob("usr/lib/*/libttspico.a"))
        subprocess.run(["gcc", "-O2", f"-I{ROOT}/usr/include", source, "-Wl,--wrap=picodata_cbPutItem", library, "-lm",
                        "-o", made], check=True)
    return made


def asked(names):
    """-> word: what it says, American, without stress, as its ids of phonemes; a list of one"""
    run = subprocess.run([program(), ROOT / "usr/share/pico/lang"], input="".join(f"{name}\n" for name in names),
                         capture_output=True, text=True, check=True)
    lines = (line.split("\t") for line in run.stdout.splitlines())
    said = {name: tuple(x for x in ids.split() if int(x) >= FIRST) for name, ids in lines}
    return {name: [one] for name, one in said.items() if one}
