"""Fetches axe-core, which checks pages for accessibility, from npm's registry: python3 tests/axe.py FILE

The version and the checksum are pinned. Node is not needed: the file is one script for the browser.
"""

import base64
import hashlib
import io
import pathlib
import sys
import tarfile
import urllib.request

TARBALL = "https://registry.npmjs.org/axe-core/-/axe-core-4.14.1.tgz"
# As the registry names it (`dist.integrity`).
SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="

with urllib.request.urlopen(TARBALL, timeout=60) as answer:
    packed = answer.read()
found = base64.b64encode(hashlib.sha512(packed).digest()).decode()
if found != SHA512:
    sys.exit(f"{TARBALL} has the SHA-512 {found}, not {SHA512}")
with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
    script = archive.extractfile("package/axe.min.js").read()
target = pathlib.Path(sys.argv[1])
target.parent.mkdir(parents=True, exist_ok=True)
target.write_bytes(script)
