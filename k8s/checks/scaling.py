"""How many Pods there may be, and whether PostgreSQL has a connection for each of theirs."""

# PostgreSQL's default max_connections, less the three that it keeps for superusers.
ORDINARY_CONNECTIONS = 97
FEWEST_PODS = 2


def check(site, report):
    """Checks autoscalers, disruption budgets and the sum of connections."""
    for autoscaler in site.of_kind("HorizontalPodAutoscaler"):
        with report.at(f"HorizontalPodAutoscaler {autoscaler['metadata']['name']}"):
            _check_autoscaler(site, report, autoscaler["spec"])
    for workload in site.workloads():
        if workload.document["kind"] == "Deployment":
            with report.at(workload.name):
                _check_deployment(site, report, workload)
    _check_connections(site, report)


def _check_autoscaler(site, report, spec):
    target = site.find(spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"])
    sensible = FEWEST_PODS <= spec["minReplicas"] < spec["maxReplicas"]
    report.check(sensible, "its bounds leave nothing to scale, or one Pod alone")
    if report.check(target, f"there is no {spec['scaleTargetRef']['kind']} {spec['scaleTargetRef']['name']}"):
        report.check("replicas" not in target["spec"], "its Deployment sets replicas, which every apply would restore")


def _check_deployment(site, report, workload):
    budgets = [
        budget for budget in site.of_kind("PodDisruptionBudget")
        if workload.selected_by(budget["spec"]["selector"]["matchLabels"])
    ]
    report.check(len(budgets) == 1, f"{len(budgets)} disruption budgets mean its Pods")
    spec = workload.document["spec"]
    several = _autoscaler_of(site, workload) or spec.get("replicas", 1) >= FEWEST_PODS
    report.check(several, "one Pod alone is no service")
    missing = spec["strategy"]["rollingUpdate"]["maxUnavailable"]
    report.check(missing == 0, "a rollout would take a Pod before its successor is there")
    spread = workload.pod.get("topologySpreadConstraints", [])
    report.check(spread, "its Pods are not spread")
    for constraint in spread:
        report.check(workload.selected_by(constraint["labelSelector"]["matchLabels"]), "spreads Pods of something else")


def _autoscaler_of(site, workload):
    name = workload.document["metadata"]["name"]
    found = (scaler["spec"] for scaler in site.of_kind("HorizontalPodAutoscaler"))
    return next((spec for spec in found if spec["scaleTargetRef"]["name"] == name), None)


def _check_connections(site, report):
    """All Pods at once, one more during a rollout, and one connection for a migration."""
    for container in site.containers():
        autoscaler = _autoscaler_of(site, container.workload)
        connections = container.variables(site).get("ONSALE_DATABASE_CONNECTIONS")
        if autoscaler and connections:
            surge = container.workload.document["spec"]["strategy"]["rollingUpdate"]["maxSurge"]
            needed = (autoscaler["maxReplicas"] + int(surge)) * int(connections) + 1
            complaint = f"{container.name}: {needed} connections to PostgreSQL, which has {ORDINARY_CONNECTIONS}"
            report.check(needed <= ORDINARY_CONNECTIONS, complaint)
