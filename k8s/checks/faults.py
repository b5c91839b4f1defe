"""Faults, each planted into a copy of the site and run through the one check that has to notice it."""

import copy

from . import images, network, outside, pods, references, scaling, schema, settings
from .dockerfile import Dockerfile
from .report import Report


def check(site, report):
    """Plants every fault, complains about those that nobody notices, and returns how many there are."""
    for judge, plant, expected in FAULTS:
        broken = copy.deepcopy(site)
        plant(broken)
        found = Report()
        judge(broken, found)
        noticed = any(expected in complaint for complaint in found.complaints)
        report.check(noticed, f"planted, but not noticed: {expected!r}; instead: {found.complaints[:3]}")
    return len(FAULTS)


def _at(parent, path):
    for part in path[:-1]:
        parent = parent[part]
    return parent, path[-1]


def given(kind, name, *path, value):
    """A document with another value at a path."""
    def plant(site):
        parent, last = _at(site.find(kind, name), path)
        parent[last] = value
    return plant


def without(kind, name, *path):
    """A document without what is at a path."""
    def plant(site):
        parent, last = _at(site.find(kind, name), path)
        del parent[last]
    return plant


def removed(kind, name):
    """A document that is missing."""
    return lambda site: site.documents.remove(site.find(kind, name))


def repeated(kind, name):
    """A document that is there twice."""
    return lambda site: site.documents.append(copy.deepcopy(site.find(kind, name)))


def dockerfile(old, new):
    """Another text in the Dockerfile."""
    def plant(site):
        assert old in site.dockerfile.text, old
        site.dockerfile = Dockerfile(site.dockerfile.text.replace(old, new))
    return plant


def text(attribute, old, new):
    """Another text in a file beside."""
    def plant(site):
        assert old in getattr(site, attribute), old
        setattr(site, attribute, getattr(site, attribute).replace(old, new))
    return plant


GATEKEEPER = ("Deployment", "gatekeeper")
ADMITTER = ("Deployment", "admitter")
BOOKING = ("Deployment", "booking-api")
MIGRATION = ("Job", "booking-api-migration")
POD = ("spec", "template", "spec")
CONTAINER = (*POD, "containers", 0)
NAME = "app.kubernetes.io/name"
PART_OF = "app.kubernetes.io/part-of"
AUTOSCALER = ("HorizontalPodAutoscaler", "gatekeeper")
BUDGET = ("PodDisruptionBudget", "admitter")
COMMON_SETTINGS = ("ConfigMap", "onsale-settings", "data")
GATEKEEPER_SETTINGS = ("ConfigMap", "gatekeeper-settings", "data")
ADMITTER_SETTINGS = ("ConfigMap", "admitter-settings", "data")
BOOKING_SETTINGS = ("ConfigMap", "booking-api-settings", "data")
SHOP_BACKEND = ("Ingress", "onsale", "spec", "rules", 0, "http", "paths", 3, "backend", "service")

SCHEMA = [
    (given(*GATEKEEPER, "spec", "replica", value=2), "unexpected"),
    (given(*GATEKEEPER, *CONTAINER, "resources", "limits", "cpu", value={}), "limits.cpu"),
    (given(*COMMON_SETTINGS, "ONSALE_DRAIN_DELAY_MS", value=5000), "is not of type"),
    (given(*MIGRATION, "apiVersion", value="batch/v1beta1"), "Couldn't find schema"),
    (given(*ADMITTER, "metadata", "namespace", value="sale"), "names a namespace"),
    (repeated("Service", "gatekeeper"), "is there twice"),
]
SETTINGS = [
    (given(*GATEKEEPER_SETTINGS, "ONSALE_WAITING_KEY", value="/x"), "does not know ONSALE_WAITING_KEY"),
    (given(*GATEKEEPER_SETTINGS, "ONSALE_DATABASE_URL", value="x"), "does not know ONSALE_DATABASE_URL"),
    (given(*ADMITTER_SETTINGS, "ONSALE_TICK_MS", value="1"), "refuses these settings"),
    (given(*COMMON_SETTINGS, "ONSALE_LOG_FILTER", value="loud=very"), "refuses these settings"),
    (given(*BOOKING_SETTINGS, "ONSALE_GATEWAY_MODE", value="guess"), "refuses these settings"),
    (without(*BOOKING_SETTINGS, "ONSALE_USER_JWKS"), "refuses these settings"),
    (given("ConfigMap", "admitter-rooms", "data", "rooms.toml", value="[[room]]\nname = 7\n"), "refuses these"),
    (given(*ADMITTER, *CONTAINER, "args", 1, value="--rates=100"), "does not know --rates=100"),
    (given(*ADMITTER, *CONTAINER, "args", 1, value="--rate=fast"), "refuses these settings"),
    (given(*BOOKING, *CONTAINER, "args", value=["server"]), "has no command server"),
    (without(*BOOKING, *CONTAINER, "args"), "needs a command"),
    (without(*MIGRATION, *CONTAINER, "env", 1), "refuses these settings"),
    (dockerfile("ENV ONSALE_ADMIN_LISTEN=0.0.0.0:9082", "ENV ONSALE_ADMIN=0.0.0.0:9082"), "does not know ONSALE_ADMIN"),
]
REFERENCES = [
    (given(*BOOKING, *CONTAINER, "env", 3, "valueFrom", "secretKeyRef", "key", value="standby"), "has no key standby"),
    (given(*GATEKEEPER, *POD, "volumes", 0, "secret", "secretName", value="onsale-keys"), "onsale-keys is neither"),
    (given(*MIGRATION, *CONTAINER, "env", 0, "valueFrom", "configMapKeyRef", "key", value="LOG"), "has no key LOG"),
    (given(*ADMITTER, *CONTAINER, "envFrom", 1, "configMapRef", "name", value="admitter"), "admitter is neither"),
    (removed("ConfigMap", "admitter-rooms"), "ConfigMap admitter-rooms is neither"),
    (without("ConfigMap", "onsale-site", "data", "url"), "has no key url"),
    (without(*GATEKEEPER, *CONTAINER, "volumeMounts", 0), "but mounts"),
    (given(*GATEKEEPER, *CONTAINER, "volumeMounts", 0, "mountPath", value="/etc/keys"), "no volume brings"),
    (given(*GATEKEEPER_SETTINGS, "ONSALE_USER_JWKS", value="/etc/onsale/public-keys/jwks.json"), "no volume brings"),
    (text("readme", "secret generic onsale-redis", "secret generic redis"), "Secret onsale-redis is neither"),
    (text("readme", "--from-literal=replica-url", "--from-literal=replica"), "has no key replica-url"),
    (text("readme", "secret tls onsale-tls", "secret tls tls"), "Secret onsale-tls is neither"),
    (text("readme", "## Checks", "kubectl create secret generic spare"), "is used by nobody"),
]
NETWORK = [
    (given(*GATEKEEPER, *CONTAINER, "readinessProbe", "httpGet", "path", value="/ready"), "asks for /ready,"),
    (given(*BOOKING, *CONTAINER, "livenessProbe", "httpGet", "path", value="/readyz"), "asks for /readyz,"),
    (given(*BOOKING, *CONTAINER, "livenessProbe", "httpGet", "port", value="http"), "livenessProbe asks port http"),
    (without(*ADMITTER, *CONTAINER, "startupProbe"), "startupProbe asks for None"),
    (given(*GATEKEEPER_SETTINGS, "ONSALE_ADMIN_LISTEN", value="127.0.0.1:9080"), "port admin is 9080"),
    (given(*BOOKING, *CONTAINER, "ports", 0, "containerPort", value=8080), "port http is 8080"),
    (given("Service", "gatekeeper", "spec", "ports", 0, "targetPort", value="web"), "targetPort web"),
    (given("Service", "gatekeeper", "spec", "selector", value={PART_OF: "onsale"}), "not exactly one workload"),
    (given("Service", "admitter-admin", "spec", "selector", NAME, value="admit"), "not exactly one workload"),
    (given(*MIGRATION, "spec", "template", "metadata", "labels", NAME, value="booking-api"), "not exactly one"),
    (given(*ADMITTER, "spec", "selector", "matchLabels", NAME, value="pace"), "does not mean its own Pods"),
    (given(*SHOP_BACKEND, "name", value="booking"), "which is not there"),
    (given(*SHOP_BACKEND, "port", value={"number": 81}), "has no port"),
    (given("Ingress", "onsale", "spec", "rules", 0, "host", value="shop.test"), "https://shop.test is no address"),
]
PODS = [
    (without(*GATEKEEPER, *POD, "securityContext", "runAsNonRoot"), "runAsNonRoot is not set"),
    (without(*MIGRATION, *POD, "securityContext", "seccompProfile"), "seccompProfile"),
    (given(*GATEKEEPER, *POD, "securityContext", "runAsUser", value=1000), "runs as 1000:65532"),
    (dockerfile("USER 65532:65532", "USER 0:0"), "its image as 0:0"),
    (without(*GATEKEEPER, *POD, "securityContext", "fsGroup"), "without fsGroup"),
    (given(*GATEKEEPER, *POD, "volumes", 0, "secret", "defaultMode", value=0o444), "everybody may read"),
    (without(*BOOKING, *POD, "automountServiceAccountToken"), "a token of the cluster"),
    (without(*ADMITTER, *POD, "enableServiceLinks"), "enableServiceLinks"),
    (given(*ADMITTER, *CONTAINER, "securityContext", "readOnlyRootFilesystem", value=False), "readOnlyRootFilesystem"),
    (given(*MIGRATION, *CONTAINER, "securityContext", "capabilities", value={"add": ["NET_ADMIN"]}), "capabilities"),
    (without(*BOOKING, *CONTAINER, "securityContext", "allowPrivilegeEscalation"), "allowPrivilegeEscalation"),
    (without(*BOOKING, *CONTAINER, "resources", "limits", "memory"), "resources.limits has no memory"),
    (without(*MIGRATION, *CONTAINER, "resources", "requests"), "resources.requests has no cpu"),
    (given(*GATEKEEPER, *POD, "terminationGracePeriodSeconds", value=26), "is killed after 26000 ms"),
    (given(*COMMON_SETTINGS, "ONSALE_SHUTDOWN_DEADLINE_MS", value="25000"), "is killed after 30000 ms"),
]
SCALING = [
    (given(*AUTOSCALER, "spec", "scaleTargetRef", "name", value="door"), "there is no Deployment door"),
    (given(*AUTOSCALER, "spec", "minReplicas", value=1), "one Pod alone"),
    (given("HorizontalPodAutoscaler", "booking-api", "spec", "maxReplicas", value=9), "101 connections"),
    (given(*BOOKING_SETTINGS, "ONSALE_DATABASE_CONNECTIONS", value="20"), "181 connections"),
    (given(*GATEKEEPER, "spec", "replicas", value=3), "sets replicas"),
    (given(*ADMITTER, "spec", "replicas", value=1), "one Pod alone"),
    (removed("PodDisruptionBudget", "admitter"), "0 disruption budgets"),
    (given(*BUDGET, "spec", "selector", "matchLabels", NAME, value="gatekeeper"), "2 disruption budgets"),
    (given(*BOOKING, "spec", "strategy", "rollingUpdate", "maxUnavailable", value=1), "before its successor"),
    (without(*GATEKEEPER, *POD, "topologySpreadConstraints"), "are not spread"),
]
IMAGES = [
    (given(*GATEKEEPER, *CONTAINER, "image", value="onsale-doorman:0.1.0"), "no target of the Dockerfile makes"),
    (given(*GATEKEEPER, *CONTAINER, "image", value="onsale-gatekeeper:latest"), "tag latest"),
    (given(*GATEKEEPER, *CONTAINER, "ports", 0, "containerPort", value=8888), "the image exposes"),
    (dockerfile(" AS admitter", " AS pace"), "no target of the Dockerfile makes onsale-admitter"),
    (dockerfile("COPY loadtest/scenarios/", "COPY loadtest/scenario/"), "copies loadtest/scenario/"),
    (dockerfile("--from=services /out/admitter", "--from=service /out/admitter"), "which is no stage"),
    (dockerfile("--from=services /out/admitter", "--from=crowd /out/admitter"), "crowd does not make /out/admitter"),
    (dockerfile("-p admitter ", ""), "services does not build admitter"),
    (dockerfile("--release --locked -p loadtest", "--release -p loadtest"), "without --locked"),
    (dockerfile('ENTRYPOINT ["/usr/local/bin/admitter"]', 'ENTRYPOINT ["/usr/local/bin/admit"]'), "its entrypoint is"),
    (dockerfile("EXPOSE 8080 9080", "EXPOSE 8080"), "listens on"),
    (dockerfile("USER 65532:65532", "USER nonroot"), "runs as root, or as a name"),
    (dockerfile("cc-debian12:nonroot", "cc-debian12:latest"), "says no version"),
    (dockerfile("image.licenses", "image.license"), "lacks"),
    (dockerfile("ARG VERSION=0.1.0", "ARG VERSION=0.0.9"), "VERSION is not"),
    (dockerfile("RUST_VERSION=1.95", "RUST_VERSION=1.85"), "RUST_VERSION is below"),
    (text("dockerignore", "!shared\n", ""), "keeps shared from the build"),
    (text("dockerignore", "!migrations\n", ""), "keeps migrations from the build"),
    (text("dockerignore", "**/target\n", ""), "lets booking-api/target/debug travel"),
    (text("dockerignore", "*\n!Cargo.toml", "!Cargo.toml"), "lets .git travel"),
    (text("manifest", '"shared", ', '"shared", "console", '), "keeps console from the build"),
]
KUSTOMIZE = [
    (lambda site: site.files.pop(), "is in no kustomization"),
]
# Where there is such a program.
COMPARED = [
    (given(*ADMITTER, "spec", "replicas", value=3), "renders it differently"),
    (repeated("Service", "admitter-admin"), "renders another number"),
] if outside.kustomize_command() else []
OVERLAY = [
    (text("readme", "kind: ConfigMap, name: onsale-site", "kind: ConfigMap, name: site"), "leaves the base's address"),
    (text("readme", "name: onsale-admitter, newName", "name: admitter, newName"), "leaves an image"),
    (text("readme", "{op: replace, path: /data", "{op: change, path: /data"), "the overlay of k8s/README.md"),
] if outside.kustomize_command() else []
LINTED = [
    (dockerfile("gcr.io/distroless/cc-debian12:nonroot", "debian:latest"), "DL3007"),
    (dockerfile('ENTRYPOINT ["/usr/local/bin/admitter"]', "ENTRYPOINT /usr/local/bin/admitter"), "DL3025"),
    (dockerfile("EXPOSE 9082", "EXPOS 9082"), "hadolint"),
] if outside.linter_path() else []
BY_JUDGE = (
    (schema.check, SCHEMA), (settings.check, SETTINGS), (references.check, REFERENCES), (network.check, NETWORK),
    (pods.check, PODS), (scaling.check, SCALING), (images.check, IMAGES),
    (outside.check_kustomize, KUSTOMIZE + COMPARED), (outside.check_overlay, OVERLAY),
    (outside.check_dockerfile, LINTED),
)
FAULTS = [(judge, plant, expected) for judge, faults in BY_JUDGE for plant, expected in faults]
