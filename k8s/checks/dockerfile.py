"""Reads a Dockerfile: its stages, and what each says."""

import json
import re
import shlex


class Stage:
    """One stage, with what it inherits from the stages that it stands on."""

    def __init__(self, name, base, parent):
        self.name, self.base, self.parent = name, base, parent
        self.instructions = []

    def said(self, keyword):
        """The arguments of an instruction here and in the stages below, the nearest last."""
        inherited = self.parent.said(keyword) if self.parent else []
        return inherited + [text for word, text in self.instructions if word == keyword]

    def last(self, keyword):
        """The one that counts, or nothing."""
        return (self.said(keyword) or [""])[-1]

    def pairs(self, keyword):
        """All key=value of ENV or LABEL."""
        words = [word for text in self.said(keyword) for word in shlex.split(text)]
        return dict(word.split("=", 1) for word in words if "=" in word)

    def entrypoint(self):
        """The program and its arguments, or nothing if it is not in the exec form."""
        try:
            return json.loads(self.last("ENTRYPOINT"))
        except ValueError:
            return []

    def copies(self):
        """(stage or None, sources, destination) of every COPY of this stage alone."""
        for word, text in self.instructions:
            if word == "COPY":
                words = shlex.split(text)
                stage = [flag[len("--from="):] for flag in words if flag.startswith("--from=")]
                paths = [path for path in words if not path.startswith("--")]
                yield (stage or [None])[0], paths[:-1], paths[-1]


class Dockerfile:
    """All stages by name, and the build arguments given before the first."""

    def __init__(self, text):
        self.text = text
        self.arguments, self.stages, stage = {}, {}, None
        for word, rest in _instructions(text):
            if word == "FROM":
                stage = self._stage(rest)
            elif stage is None:
                name, _, default = rest.partition("=")
                self.arguments[name] = default
            else:
                stage.instructions.append((word, rest))

    def _stage(self, rest):
        base, _, name = re.sub(r"\s+as\s+", " ", rest, flags=re.IGNORECASE).partition(" ")
        base = re.sub(r"\$\{(\w+)\}", lambda match: self.arguments.get(match[1], ""), base)
        stage = Stage(name, base, self.stages.get(base))
        self.stages[name] = stage
        return stage


def _instructions(text):
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        yield word.upper(), rest.strip()
