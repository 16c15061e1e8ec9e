"""remove-lease: take away a lease that was left behind, if it is still that one."""

from __future__ import annotations

from velora_tui.domain.repair import Affected, RepairStep
from velora_tui.hosts.lease import DEFAULT_LEASE, LeaseReport, read_lease
from velora_tui.hosts.scripts import script_text
from velora_tui.hosts.shell import assign, quote_path
from velora_tui.readiness.repairs.repair import Beside, Findings, Repair, Site

_REMOVE = (
    'remove() (\n{release})\n[ "$(remove)" = released ] || {{ echo "the lease is another\'s now" >&2; exit 75; }}\n'
)

# A lease without an owner gets one first, which only one can be: whoever takes it this moment keeps it.
_OWN = r"""
token=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d " \n")
mine=$lease.$token
trap 'rm -f -- "$mine"' EXIT
printf '{"token":"%s"}\n' "$token" >"$mine" || exit 74
clear_owner || { echo "the lease is another's now" >&2; exit 75; }
ln -- "$mine" "$lease/owner" 2>/dev/null || { echo "the lease is another's now" >&2; exit 75; }
"""


async def _look(site: Site) -> Findings:
    report = await read_lease(site.host)
    if report is None:
        return Findings(nothing_to_do="nobody has the instance: there is no lease")
    if not site.may_remove(report):
        return Findings(refused=f"the lease is in use: {_who(report)}")
    token = assign(token=report.owner.token) if report.owner else script_text("lease_lib.sh") + _OWN
    step = RepairStep(
        what=f"remove the stale lease {DEFAULT_LEASE}",
        command=f"lease={quote_path(DEFAULT_LEASE)}\n{token}" + _REMOVE.format(release=script_text("lease_release.sh")),
    )
    return Findings((step,), (Affected(kind="lease", name=DEFAULT_LEASE, detail=_who(report)),))


def _who(report: LeaseReport) -> str:
    if report.owner is None:
        return report.reason
    owner = report.owner
    since = f"{owner.since.astimezone():%Y-%m-%d %H:%M}"
    return f"{owner.operator} since {since}, run {owner.run_id}, attempt {owner.attempt}: {report.reason}"


REMOVE_LEASE = Repair("remove-lease", "remove a stale lease", _look, "busy", beside=Beside.RUNS)
