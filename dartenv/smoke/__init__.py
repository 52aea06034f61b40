"""Scenarios that prove DART moves.

:func:`run_scenario` runs one of DART's own programs in the target interpreter, in a shadow of the
user's tree, and judges what it wrote; :func:`to_findings` says it in the report's language.
"""

from dartenv.smoke.api import load_scenario, run_scenario, scenario_ids
from dartenv.smoke.progress import Step
from dartenv.smoke.result import SmokeResult, to_findings
from dartenv.smoke.scenario import Scenario

__all__ = [
    "Scenario",
    "SmokeResult",
    "Step",
    "load_scenario",
    "run_scenario",
    "scenario_ids",
    "to_findings",
]
