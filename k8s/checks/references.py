"""Every ConfigMap, Secret, key, volume and file that is named is there; and nothing is there for nobody."""

from .external import ANY, objects


def check(site, report):
    """Follows the references of all containers and of the Ingress, then looks for what nobody refers to."""
    there = objects(site.readme)
    for config in site.of_kind("ConfigMap"):
        there["ConfigMap", config["metadata"]["name"]] = set(config.get("data", {}))
    used = set()
    for container in site.containers():
        with report.at(container.name):
            _check_container(report, container, there, used)
            _check_paths(site, report, container, there)
    for ingress in site.of_kind("Ingress"):
        with report.at(f"Ingress {ingress['metadata']['name']}"):
            for tls in ingress["spec"].get("tls", []):
                _check_key(report, there, used, "Secret", tls["secretName"], "tls.key")
    for kind, name in sorted(set(there) - used):
        report.check(False, f"{kind} {name} is used by nobody")


def _check_container(report, container, there, used):
    for source in container.spec.get("envFrom", []):
        _check_key(report, there, used, "ConfigMap", source["configMapRef"]["name"], None)
    for entry in container.spec.get("env", []):
        for word, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            reference = entry.get("valueFrom", {}).get(word)
            if reference:
                _check_key(report, there, used, kind, reference["name"], reference["key"])
    volumes = {volume["name"] for volume in container.workload.pod.get("volumes", [])}
    mounts = {mount["name"] for mount in container.spec.get("volumeMounts", [])}
    report.check(volumes == mounts, f"volumes {sorted(volumes)}, but mounts {sorted(mounts)}")
    for volume in container.workload.pod.get("volumes", []):
        _check_key(report, there, used, *_content(volume), None)


def _check_key(report, there, used, kind, name, key):
    used.add((kind, name))
    is_there = (kind, name) in there
    if report.check(is_there, f"{kind} {name} is neither in the base nor made by a command in k8s/README.md"):
        keys = there[kind, name]
        report.check(key is None or key in keys or ANY in keys, f"{kind} {name} has no key {key}, only {sorted(keys)}")


def _content(volume):
    if "secret" in volume:
        return "Secret", volume["secret"]["secretName"]
    return "ConfigMap", volume["configMap"]["name"]


def _check_paths(site, report, container, there):
    """A setting that is a path leads to a mounted folder, or to a file that is in one."""
    volumes = {volume["name"]: _content(volume) for volume in container.workload.pod.get("volumes", [])}
    mounted = {mount["mountPath"]: volumes.get(mount["name"]) for mount in container.spec.get("volumeMounts", [])}
    used = set()
    for variable, value in container.variables(site).items():
        if value and str(value).startswith("/"):
            folder, _, key = value.rpartition("/")
            used.add(value if value in mounted else folder)
            keys = there.get(mounted.get(folder), set())
            report.check(value in mounted or key in keys or ANY in keys, f"{variable}: no volume brings {value}")
    report.check(used == set(mounted), f"mounted for no setting: {sorted(set(mounted) - used)}")
