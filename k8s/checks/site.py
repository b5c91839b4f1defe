"""All that is checked, in memory, so that a fault can be planted into a copy."""

import re

from .dockerfile import Dockerfile, Stage
from .program import Programs
from .render import files, render

PREFIX = "onsale-"


class Site:
    """The rendered base, the Dockerfile and what they have to agree with."""

    def __init__(self, root, binaries):
        self.root, self.base = root, root / "k8s" / "base"
        self.files, self.documents = files(self.base), render(self.base)
        self.dockerfile = Dockerfile((root / "Dockerfile").read_text(encoding="utf-8"))
        self.dockerignore = (root / ".dockerignore").read_text(encoding="utf-8")
        self.readme = (root / "k8s" / "README.md").read_text(encoding="utf-8")
        self.manifest = (root / "Cargo.toml").read_text(encoding="utf-8")
        self.programs = Programs(binaries)

    def of_kind(self, *kinds):
        """The documents of some kinds."""
        return [document for document in self.documents if document["kind"] in kinds]

    def find(self, kind, name):
        """One document, or nothing."""
        return next((found for found in self.of_kind(kind) if found["metadata"]["name"] == name), None)

    def workloads(self):
        """Everything that starts Pods."""
        return [Workload(document) for document in self.of_kind("Deployment", "Job")]

    def containers(self):
        """Every container of every workload."""
        return [Container(workload, spec) for workload in self.workloads() for spec in workload.pod["containers"]]

    def package(self, key):
        """A value of [workspace.package], or of the members' list."""
        return re.search(rf'^{key} = "([^"]*)"', self.manifest, re.MULTILINE)[1]

    def members(self):
        """The crates of the workspace."""
        return re.findall(r'"([^"]+)"', re.search(r"^members = \[(.*?)\]", self.manifest, re.MULTILINE | re.DOTALL)[1])


class Workload:
    """A Deployment or a Job."""

    def __init__(self, document):
        self.document = document
        self.name = f"{document['kind']} {document['metadata']['name']}"
        self.labels = document["spec"]["template"]["metadata"]["labels"]
        self.pod = document["spec"]["template"]["spec"]

    def selected_by(self, labels):
        """Whether a selector means these Pods."""
        return bool(labels) and labels.items() <= self.labels.items()


class Container:
    """One container, and the program in it."""

    def __init__(self, workload, spec):
        self.workload, self.spec = workload, spec
        self.name = f"{workload.name}, container {spec['name']}"
        self.image, _, self.tag = spec["image"].rpartition(":")
        self.program = self.image.rpartition("/")[2].replace(PREFIX, "", 1)
        self.arguments = [str(argument) for argument in spec.get("args", [])]
        self.ports = {port["name"]: port["containerPort"] for port in spec.get("ports", [])}

    def stage(self, site):
        """The target of the Dockerfile that makes the image; one that says nothing if there is none."""
        return site.dockerfile.stages.get(self.program) or Stage(self.program, "", None)

    def command(self):
        """The subcommands that the arguments begin with."""
        leading = []
        for argument in self.arguments:
            if argument.startswith("-"):
                break
            leading.append(argument)
        return leading

    def variables(self, site):
        """Name → value, or None for what a Secret holds; the image's own first, as a container runtime has it."""
        variables = self.stage(site).pairs("ENV")
        for source in self.spec.get("envFrom", []):
            variables.update(_data(site, source.get("configMapRef", {}).get("name")))
        for entry in self.spec.get("env", []):
            reference = entry.get("valueFrom", {}).get("configMapKeyRef")
            looked_up = _data(site, reference["name"]).get(reference["key"]) if reference else None
            variables[entry["name"]] = entry.get("value", looked_up)
        return variables


def _data(site, name):
    config = site.find("ConfigMap", name)
    return config.get("data", {}) if config else {}
