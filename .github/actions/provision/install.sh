#!/usr/bin/env bash
# Installs this repository into an environment of its own, with every dependency as requirements.lock has it, hashes
# checked. Once a job: later steps find it there.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
venv=$RUNNER_TEMP/provision
if [ -x "$venv/bin/provision" ]; then exit 0; fi
python -m venv --clear "$venv"
pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check)
"${pip[@]}" --only-binary :all: --require-hashes -r "$root/requirements.lock"
# The build backend is one of the locked packages, so nothing is fetched without a hash here either.
"${pip[@]}" --no-deps --no-build-isolation "$root"
printf '%s\n' "$venv/bin" >>"$GITHUB_PATH"
