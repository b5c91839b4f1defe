"""Objects that are made by hand: known from the commands in k8s/README.md, so that those stay true."""

import re
import shlex

# A folder given as a whole brings keys that only whoever makes it knows.
ANY = "any key"


def objects(readme):
    """(kind, name) → the keys in it."""
    found = {}
    for line in readme.replace("\\\n", " ").splitlines():
        match = re.match(r"\s*kubectl create (secret generic|secret tls|configmap) (\S+)(.*)", line)
        if match:
            kind = "ConfigMap" if match[1] == "configmap" else "Secret"
            found[kind, match[2]] = set(_keys(match[1], shlex.split(match[3])))
    return found


def _keys(kind, options):
    if kind == "secret tls":
        yield from ("tls.crt", "tls.key")
    for option in options:
        flag, _, rest = option.partition("=")
        key, is_named, _ = rest.partition("=")
        if flag == "--from-literal":
            yield key
        elif flag == "--from-file":
            yield key if is_named else ANY if rest.endswith("/") else rest.rpartition("/")[2]
