"""The Dockerfile: a target for each image, made of what is there, and of nothing that must not travel."""

import re
from fnmatch import fnmatch

from .site import PREFIX

LABELS = {f"org.opencontainers.image.{name}" for name in ("title", "description", "licenses", "version", "revision")}
# What the build needs beside the crates; .sqlx lies inside one of them.
NEEDED = ("Cargo.toml", "Cargo.lock", "migrations")
SECRET = (".dev", ".dev/keys/user/current", ".git", "target", "booking-api/target/debug", "keys", "site.key")


def check(site, report):
    """Checks the images that Pods run, all targets and the build context."""
    for container in site.containers():
        with report.at(container.name):
            _check_image(site, report, container)
    for name, stage in site.dockerfile.stages.items():
        with report.at(f"Dockerfile, stage {name}"):
            _check_stage(site, report, stage)
            if stage.entrypoint():
                _check_target(site, report, name, stage)
    _check_context(site, report)
    _check_version(site, report)


def _check_image(site, report, container):
    stage = container.stage(site)
    is_made = container.image == PREFIX + container.program and stage.entrypoint()
    if not report.check(is_made, f"no target of the Dockerfile makes {container.image}"):
        return
    version = site.package("version")
    report.check(container.tag == version, f"tag {container.tag}, but the version is {version}")
    exposed = {int(port) for port in stage.last("EXPOSE").split()}
    ports = set(container.ports.values())
    report.check(ports <= exposed, f"ports {sorted(ports)}, but the image exposes {sorted(exposed)}")


def _check_stage(site, report, stage):
    pinned = stage.parent or re.search(r":[^:/]*\d|:nonroot$", stage.base)
    report.check(pinned and not stage.base.endswith(":latest"), f"{stage.base} says no version")
    for origin, sources, _ in stage.copies():
        if origin:
            report.check(origin in site.dockerfile.stages, f"copies from {origin}, which is no stage")
            continue
        for source in sources:
            is_there = (site.root / source).exists() and not (source != "." and _is_ignored(site, source.rstrip("/")))
            report.check(is_there, f"copies {source}, which is not there or is ignored by .dockerignore")
    for text in stage.said("RUN"):
        report.check("cargo build" not in text or "--locked" in text, "builds without --locked")


def _check_target(site, report, name, stage):
    """A target holds the program of its name, built by the stage that it is copied from."""
    program = f"/usr/local/bin/{name}"
    report.check(stage.entrypoint() == [program], f"its entrypoint is {stage.entrypoint()}, not {program}")
    copied = [(origin, sources[0]) for origin, sources, target in stage.copies() if target == program]
    if report.check(len(copied) == 1, f"nothing is copied to {program}"):
        origin, source = copied[0]
        builder = site.dockerfile.stages.get(origin)
        run = " ".join(builder.said("RUN")) if builder else ""
        is_made = source == f"/out/{name}" and f"target/release/{name}" in run
        report.check(is_made, f"{origin} does not make {source}")
        report.check(f"-p {name}" in run, f"{origin} does not build {name}")
    missing = sorted(LABELS - set(stage.pairs("LABEL")))
    report.check(not missing, f"lacks {missing}")
    ports = {value.rpartition(":")[2] for key, value in stage.pairs("ENV").items() if key.endswith("LISTEN")}
    exposed = set(stage.last("EXPOSE").split())
    report.check(ports == exposed, f"exposes {sorted(exposed)}, listens on {sorted(ports)}")
    user = stage.last("USER").split(":")[0]
    report.check(user.isdigit() and int(user) > 0, "runs as root, or as a name that Kubernetes cannot judge")


def _check_context(site, report):
    queries = [str(path.relative_to(site.root)) for path in site.root.glob("*/.sqlx")]
    report.check(queries, "no crate has .sqlx, which the build needs instead of a database")
    for path in [*site.members(), *NEEDED, *queries]:
        is_there = (site.root / path).exists() and not _is_ignored(site, path)
        report.check(is_there, f".dockerignore keeps {path} from the build, or it is not there")
    for path in SECRET:
        report.check(_is_ignored(site, path), f".dockerignore lets {path} travel")


def _is_ignored(site, path):
    """As Docker has it: a pattern also means all that is inside, and the last one that matches decides."""
    ignored = False
    parts = path.split("/")
    inside = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    for line in site.dockerignore.splitlines():
        pattern = line.strip().lstrip("!")
        if not pattern or pattern.startswith("#"):
            continue
        anywhere = pattern.startswith("**/")
        tried = parts if anywhere else inside
        if any(_matches(name, pattern[3:] if anywhere else pattern) for name in tried):
            ignored = not line.strip().startswith("!")
    return ignored


def _matches(path, pattern):
    return path.count("/") == pattern.count("/") and fnmatch(path, pattern)


def _check_version(site, report):
    """What the Dockerfile says of versions is what Cargo.toml says."""
    arguments = dict(text.split("=", 1) for stage in site.dockerfile.stages.values() for text in stage.said("ARG"))
    version, rust = site.package("version"), site.package("rust-version")
    report.check(arguments.get("VERSION") == version, f"Dockerfile: VERSION is not {version}")
    has = site.dockerfile.arguments.get("RUST_VERSION", "0")
    report.check(_numbers(has) >= _numbers(rust), f"Dockerfile: RUST_VERSION is below {rust}")


def _numbers(version):
    return [int(part) for part in version.split(".")]
