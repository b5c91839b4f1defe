"""The judgement of other people's programs, where they are to be had: kustomize and hadolint."""

import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from .render import documents

LONGEST_SECONDS = 60
KUSTOMIZE = (["kubectl", "kustomize"], ["kustomize", "build"])


def check_kustomize(site, report):
    """Our rendering is kustomize's, and no file is left out of every list."""
    for path in sorted(site.base.rglob("*.yaml")):
        is_listed = path.name == "kustomization.yaml" or path in site.files
        report.check(is_listed, f"{path.relative_to(site.root)} is in no kustomization")
    command = kustomize_command()
    if command:
        _compare(site, report, [*command, str(site.base)])


def check_overlay(site, report):
    """The overlay that k8s/README.md shows can be rendered, and says all that the base leaves open."""
    command = kustomize_command()
    overlay = re.search(r"```yaml\n(.*?)```", site.readme, re.DOTALL)
    if not command or not report.check(overlay, "k8s/README.md shows no overlay"):
        return
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(site.base, Path(folder) / "base")
        (Path(folder) / "kustomization.yaml").write_text(textwrap.dedent(overlay[1]), encoding="utf-8")
        done = _run([*command, folder])
    if report.check(done.returncode == 0, f"the overlay of k8s/README.md: {done.stderr.strip()}"):
        report.check("shop.example" not in done.stdout, "the overlay of k8s/README.md leaves the base's address")
        report.check("image: onsale-" not in done.stdout, "the overlay of k8s/README.md leaves an image unnamed")


def kustomize_command():
    """The words that call kustomize, or nothing."""
    return next((command for command in KUSTOMIZE if shutil.which(command[0])), None)


def _compare(site, report, command):
    done = _run(command)
    if report.check(done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}"):
        rendered = documents(done.stdout)
        report.check(len(rendered) == len(site.documents), f"{command[0]} renders another number of documents")
        theirs = {_key(document): document for document in rendered}
        ours = {_key(document): document for document in site.documents}
        for key in sorted(set(theirs) | set(ours)):
            report.check(theirs.get(key) == ours.get(key), f"{' '.join(key)}: {command[0]} renders it differently")


def _key(document):
    return document["kind"], document["metadata"]["name"]


def check_dockerfile(site, report):
    """hadolint has nothing to say against the Dockerfile."""
    linter = linter_path()
    if linter:
        done = _run([linter, "--no-color", "-"], site.dockerfile.text)
        report.check(done.returncode == 0, f"hadolint: {(done.stdout + done.stderr).strip()}")


def _run(command, text=""):
    return subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False)


def linter_path():
    """hadolint of the virtual environment, or one that is installed."""
    beside = Path(sys.executable).parent / "hadolint"
    return str(beside) if beside.exists() else shutil.which("hadolint")
