"""CI configuration against declared access: `check-pipeline`.

Reads the files of CircleCI and GitHub Actions and tells where they let something into a protected environment that
should not get there. It runs nothing, calls nothing, and never takes what it cannot read or work out for protection.
"""

from provisioner.pipelines.check import Checked, check

__all__ = ["Checked", "check"]
