"""Renders a kustomization that has no more than `resources`, as k8s/base is, without any program."""

import yaml

# What an overlay may have, and the base has not: rendering those would be another kustomize.
KNOWN = {"apiVersion", "kind", "resources"}


class RenderError(Exception):
    """Why the base cannot be rendered."""


class StrictLoader(yaml.SafeLoader):
    """Refuses a key given twice, of which YAML libraries silently take the last."""


def _mapping(loader, node, deep=False):
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise yaml.constructor.ConstructorError(None, None, f"{key!r} is given twice", node.start_mark)
    return yaml.SafeLoader.construct_mapping(loader, node, deep)


StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def documents(text):
    """The documents of one file."""
    return [document for document in yaml.load_all(text, StrictLoader) if document]


def render(folder):
    """The documents below `folder`, in the order of its lists."""
    rendered = []
    for path in files(folder):
        try:
            rendered.extend(documents(path.read_text(encoding="utf-8")))
        except yaml.YAMLError as error:
            raise RenderError(f"{path}: {error}") from error
    return rendered


def files(folder):
    """The files that the kustomization of `folder` and those below it list."""
    listed = []
    for entry in _resources(folder / "kustomization.yaml"):
        path = folder / entry
        if path.is_dir():
            listed.extend(files(path))
        elif path.is_file():
            listed.append(path)
        else:
            raise RenderError(f"{folder / 'kustomization.yaml'}: lists {entry}, which is not there")
    return listed


def _resources(path):
    if not path.is_file():
        raise RenderError(f"{path}: is not there")
    kustomization = yaml.load(path.read_text(encoding="utf-8"), StrictLoader)
    unknown = set(kustomization) - KNOWN
    if unknown:
        raise RenderError(f"{path}: has {', '.join(sorted(unknown))}; the base has only {', '.join(sorted(KNOWN))}")
    return kustomization["resources"]
