"""What every Pod may and may not: rights, limits, and the time it gets to stop."""

# The process ends itself a second after its deadline (shared/src/shutdown.rs).
LAST_SECOND_MS = 1_000
RIGHTS = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def check(site, report):
    """Checks all Pods and containers."""
    for workload in site.workloads():
        with report.at(workload.name):
            _check_pod(report, workload.pod)
    for container in site.containers():
        with report.at(container.name):
            _check_container(report, container)
            _check_user(site, report, container)
            if container.workload.document["kind"] == "Deployment":
                _check_grace(site, report, container)


def _check_pod(report, pod):
    rights = pod.get("securityContext", {})
    report.check(rights.get("runAsNonRoot") is True, "runAsNonRoot is not set")
    profile = rights.get("seccompProfile", {}).get("type")
    report.check(profile == "RuntimeDefault", "seccompProfile is not RuntimeDefault")
    report.check(pod.get("automountServiceAccountToken") is False, "a token of the cluster is mounted for nothing")
    report.check(pod.get("enableServiceLinks") is False, "enableServiceLinks would add variables to the environment")
    for volume in pod.get("volumes", []):
        mode = volume.get("secret", {}).get("defaultMode", 0o440)
        report.check(mode & 0o007 == 0, f"everybody may read the keys of volume {volume['name']}")
        readable = "secret" not in volume or rights.get("fsGroup")
        report.check(readable, f"without fsGroup nobody may read volume {volume['name']}")


def _check_container(report, container):
    given = container.spec.get("securityContext", {})
    for right, expected in RIGHTS.items():
        report.check(given.get(right) == expected, f"{right} is not {expected}")
    for word in ("requests", "limits"):
        for resource in ("cpu", "memory"):
            amount = container.spec.get("resources", {}).get(word, {}).get(resource)
            report.check(amount, f"resources.{word} has no {resource}")


def _check_user(site, report, container):
    """The image's user, by number: what is written in one place alone would differ one day."""
    rights = container.workload.pod.get("securityContext", {})
    user = container.stage(site).last("USER")
    given = f"{rights.get('runAsUser')}:{rights.get('runAsGroup')}"
    report.check(given == user and not user.startswith("0:"), f"runs as {given}, its image as {user}")


def _check_grace(site, report, container):
    """Kubernetes kills after the grace period, which has to be longer than the process takes at most."""
    options = site.programs.help(container.program, *container.command())
    variables = container.variables(site)
    needed = LAST_SECOND_MS
    for name in ("ONSALE_DRAIN_DELAY_MS", "ONSALE_SHUTDOWN_DEADLINE_MS"):
        needed += int(variables.get(name) or options.variables[name].default)
    grace = container.workload.pod.get("terminationGracePeriodSeconds", 30) * 1_000
    report.check(grace > needed, f"is killed after {grace} ms, but may take {needed} ms to stop")
