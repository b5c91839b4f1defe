"""Every document against the schemas of Kubernetes, in which nothing unknown is allowed."""

import json

import kubernetes_validate
from kubernetes_validate.utils import SchemaNotFoundError, VersionNotSupportedError

# The oldest that k8s/README.md promises, and the newest that has schemas.
VERSIONS = ("1.31", "1.37")
# Asked once: the faults change one document of many.
_answers = {}


def check(site, report):
    """Validates each document, and looks for two of one name."""
    names = [(document.get("kind"), document.get("metadata", {}).get("name")) for document in site.documents]
    for kind, name in sorted(set(names), key=str):
        report.check(names.count((kind, name)) == 1, f"{kind} {name} is there twice")
    for document, (kind, name) in zip(site.documents, names):
        for version in VERSIONS:
            mistake = _mistake(document, version)
            report.check(mistake is None, f"{kind} {name} (Kubernetes {version}): {mistake}")
        report.check("namespace" not in document["metadata"], f"{kind} {name} names a namespace, which is an overlay's")


def _mistake(document, version):
    key = (json.dumps(document, sort_keys=True), version)
    if key not in _answers:
        _answers[key] = _ask(document, version)
    return _answers[key]


def _ask(document, version):
    try:
        kubernetes_validate.validate(document, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{'.'.join(str(part) for part in error.path)}: {error.message}"
    except (SchemaNotFoundError, VersionNotSupportedError) as error:
        return error.message
    return None
