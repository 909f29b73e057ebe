"""Shared by the catalogue tools: deterministic gzip, so that the same inputs give the same bytes."""

import gzip
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

DATA = pathlib.Path(__file__).resolve().parents[2] / "permissions" / "data"


def write(name, header, lines):
    """Writes `# header` lines and then `lines` to permissions/data/NAME.gz, without a timestamp."""
    text = "".join(f"# {h}\n" for h in header) + "\n".join(lines) + "\n"
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, compresslevel=9, mtime=0) as gz:
        gz.write(text.encode("utf-8"))
    path = DATA / f"{name}.gz"
    path.write_bytes(out.getvalue())
    print(f"{path.name}: {len(lines)} lines, {len(text)} bytes, {len(out.getvalue())} compressed")


def load(path):
    """Reads JSON, gzipped or not."""
    raw = pathlib.Path(path).read_bytes()
    return json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)


def wheel(requirement):
    """Downloads one wheel with pip and opens it."""
    folder = tempfile.mkdtemp()
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, requirement], check=True)
    return zipfile.ZipFile(next(pathlib.Path(folder).glob("*.whl")))


def ranges(numbers):
    """Sorted numbers as `a-b,c`, each relative to the end of the one before: runs are what roles are made of."""
    out, last = [], 0
    numbers = sorted(numbers)
    i = 0
    while i < len(numbers):
        j = i
        while j + 1 < len(numbers) and numbers[j + 1] == numbers[j] + 1:
            j += 1
        skip, length = numbers[i] - last, j - i
        out.append(f"{skip}+{length}" if length else str(skip))
        last = numbers[j]
        i = j + 1
    return ",".join(out)
