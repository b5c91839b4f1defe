"""Ports, probes, selectors, Services, the Ingress: whether what should find each other does."""

PROBES = {"startupProbe": "/livez", "readinessProbe": "/readyz", "livenessProbe": "/livez"}
LISTENS = {"http": "ONSALE_LISTEN", "admin": "ONSALE_ADMIN_LISTEN"}


def check(site, report):
    """Checks everything that one thing connects to another by."""
    for container in site.containers():
        with report.at(container.name):
            _check_ports(site, report, container)
            if container.workload.document["kind"] == "Deployment":
                _check_probes(report, container)
    for service in site.of_kind("Service"):
        with report.at(f"Service {service['metadata']['name']}"):
            _check_service(site, report, service["spec"])
    for ingress in site.of_kind("Ingress"):
        with report.at(f"Ingress {ingress['metadata']['name']}"):
            _check_ingress(site, report, ingress["spec"])
    for workload in site.workloads():
        selector = workload.document["spec"].get("selector", {}).get("matchLabels")
        if selector is not None:
            report.check(workload.selected_by(selector), f"{workload.name}: its selector does not mean its own Pods")


def _check_ports(site, report, container):
    """A port that is named is the one listened on, and reachable from other Pods."""
    variables = container.variables(site)
    for name, number in container.ports.items():
        address = variables.get(LISTENS.get(name, ""))
        report.check(address == f"0.0.0.0:{number}", f"port {name} is {number}, but {LISTENS.get(name)} is {address}")


def _check_probes(report, container):
    for probe, path in PROBES.items():
        asked = container.spec.get(probe, {}).get("httpGet", {})
        report.check(asked.get("path") == path, f"{probe} asks for {asked.get('path')}, not {path}")
        port = asked.get("port")
        is_admin = port == "admin" and port in container.ports
        report.check(is_admin, f"{probe} asks port {port}; /livez and /readyz are on admin")


def _check_service(site, report, spec):
    found = [container for container in site.containers() if container.workload.selected_by(spec["selector"])]
    workloads = {container.workload.name for container in found}
    report.check(len(workloads) == 1, f"its selector means not exactly one workload, but {sorted(workloads)}")
    for container in found:
        for port in spec["ports"]:
            target = port["targetPort"]
            is_there = target in container.ports or target in container.ports.values()
            report.check(is_there, f"targetPort {target} is no port of {container.name}")
    ports = {port["name"] for port in spec["ports"]}
    report.check(ports in ({"http"}, {"admin"}), "public and admin ports belong to Services of their own")


def _check_ingress(site, report, spec):
    hosts = {host for tls in spec.get("tls", []) for host in tls["hosts"]}
    urls = {value for container in site.containers() for value in container.variables(site).values() if value}
    for rule in spec["rules"]:
        report.check(rule["host"] in hosts, f"{rule['host']} has no certificate in tls")
        report.check(f"https://{rule['host']}" in urls, f"https://{rule['host']} is no address that the services know")
        for path in rule["http"]["paths"]:
            _check_backend(site, report, path)


def _check_backend(site, report, path):
    backend = path["backend"]["service"]
    service = site.find("Service", backend["name"])
    if report.check(service, f"{path['path']} leads to Service {backend['name']}, which is not there"):
        names = [port["name"] for port in service["spec"]["ports"]]
        is_there = backend["port"].get("name") in names
        report.check(is_there, f"{path['path']}: Service {backend['name']} has no port {backend['port']}")
        report.check("admin" not in names, f"{path['path']} leads to an admin port")
