"""Asks a built program what it knows, and whether it takes the settings of a Pod."""

import hashlib
import re
import socket
import subprocess
import tempfile
from pathlib import Path

# A program that is asked answers within milliseconds; this is for a machine that does other things too.
ANSWER_SECONDS = 30
_FLAG = re.compile(r"^ {2,6}(?:-\w, |    )(--[a-z][a-z0-9-]*)( <|$| )", re.MULTILINE)


class ProgramError(Exception):
    """Why a program cannot be asked."""


class Option:
    """One flag, as `--help` tells it."""

    def __init__(self, flag, text):
        words = " ".join(text.split())
        variable = re.search(r"\[env: (ONSALE_\w+)", words)
        default = re.search(r"\[default: ([^\]]*)\]", words)
        self.flag = flag
        self.takes_value = words.startswith(f"{flag} <")
        self.variable = variable and variable[1]
        self.default = default and default[1]


class Help:
    """What one command of a program takes."""

    def __init__(self, text):
        starts = [match.start(1) for match in _FLAG.finditer(text)]
        chunks = [text[start:end] for start, end in zip(starts, starts[1:] + [len(text)])]
        options = [Option(chunk.split()[0], chunk) for chunk in chunks]
        self.flags = {option.flag: option for option in options}
        self.variables = {option.variable: option for option in options if option.variable}
        commands = re.search(r"^Commands:\n((?: +.*\n)+)", text, re.MULTILINE)
        self.commands = set(re.findall(r"^ {2}(\S+)", commands[1], re.MULTILINE)) if commands else set()


class Programs:
    """The built programs of one folder. Answers are remembered: the faults ask the same again and again."""

    def __init__(self, folder):
        self.folder = folder
        self._answers = {}
        # Removed with this object.
        self._files = tempfile.TemporaryDirectory(prefix="onsale-k8s-")
        # Bound and never listened on: whoever binds it is refused, and so is whoever connects to it.
        self._taken = socket.socket()
        self._taken.bind(("127.0.0.1", 0))
        self.taken_address = "127.0.0.1:%d" % self._taken.getsockname()[1]

    def __deepcopy__(self, _memo):
        return self

    def help(self, name, *commands):
        """What a command takes."""
        return Help(self.run(name, [*commands, "--help"], {}))

    def file(self, name, content):
        """The path of a file with this content: the same for the same, so that a question is asked once."""
        folder = Path(self._files.name) / hashlib.sha256(content.encode()).hexdigest()
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
        return str(folder / name)

    def run(self, name, arguments, environment):
        """All that a program prints until it ends, which has to be soon."""
        key = (name, *arguments, *sorted(environment.items()))
        if key not in self._answers:
            self._answers[key] = self._ask(name, arguments, environment)
        return self._answers[key]

    def _ask(self, name, arguments, environment):
        command = [str((self.folder / name).absolute()), *arguments]
        try:
            done = subprocess.run(
                command, env=environment, timeout=ANSWER_SECONDS, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        except FileNotFoundError as error:
            raise ProgramError(f"{self.folder / name} is not there; build it first") from error
        except subprocess.TimeoutExpired:
            return f"did not end within {ANSWER_SECONDS} s"
        return done.stdout.decode(errors="replace")
