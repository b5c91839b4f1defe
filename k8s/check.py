"""Checks k8s/base and the Dockerfile: python k8s/check.py [FOLDER OF THE BUILT BINARIES, default target/debug]

Needs k8s/requirements.txt; check.sh sees to that. Each module of checks/ says what it holds. At the end
checks/faults.py plants faults into copies, in memory, and each has to be noticed: a check that cannot fail is none.
"""

import sys
from pathlib import Path

from checks import faults, images, network, outside, pods, references, scaling, schema, settings
from checks.program import ProgramError
from checks.render import RenderError
from checks.report import Report
from checks.site import Site

ROOT = Path(__file__).resolve().parent.parent
# The others read documents as Kubernetes defines them, so they come after that is sure.
FIRST = (schema.check,)
THEN = (
    outside.check_kustomize, outside.check_overlay, outside.check_dockerfile, images.check, settings.check,
    references.check, network.check, pods.check, scaling.check,
)


def main():
    """Prints what is wrong, or one line of what was checked; returns the exit code."""
    binaries = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target" / "debug")
    report = Report()
    try:
        site = Site(ROOT, binaries)
        for checks in (FIRST, THEN):
            if not report.complaints:
                for check in checks:
                    check(site, report)
        planted = 0 if report.complaints else faults.check(site, report)
    except (RenderError, ProgramError) as error:
        report.check(False, str(error))
    for complaint in report.complaints:
        print(f"k8s: {complaint}", file=sys.stderr)
    if report.complaints:
        print(f"k8s: FAILED, {len(report.complaints)} complaints")
        return 1
    if not outside.linter_path():
        print("SKIPPED: hadolint on the Dockerfile (there is no wheel of it for this machine)")
    passed = report.passed - planted
    print(f"k8s: {len(site.documents)} documents, {passed} checks passed, {planted} planted faults noticed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
