#!/usr/bin/env bash
# One command of provision, with the inputs as options. A value is never taken for an option, nor an input silently left
# out that the command does not have.
set -euo pipefail

command=${INPUT_COMMAND:-}
case $command in
  validate | check-pipeline) has=" FORMAT " ;;
  approvals) has=" BASE " ;;
  plan) has=" BASE CHANGE TARGET OUT FORMAT COMMENT " ;;
  apply) has=" BASE TARGET REVIEWED " ;;
  expire | rotate) has=" BASE TARGET " ;;
  drift) has=" TARGET " ;;
  *) printf '%s\n' "the input command must be one of those that action.yml lists" >&2; exit 64 ;;
esac

arguments=("$command" "--access=${INPUT_ACCESS:-access}")
for name in BASE CHANGE TARGET OUT REVIEWED FORMAT COMMENT; do
  input=INPUT_$name value=
  value=${!input:-}
  if [ "$name" = COMMENT ] && [ "$value" = false ]; then value=; fi
  [ -n "$value" ] || continue
  option=$(printf '%s' "$name" | tr '[:upper:]' '[:lower:]')
  if [[ $has != *" $name "* ]]; then
    printf '%s\n' "the command $command has no input $option" >&2
    exit 64
  fi
  if [ "$name" = COMMENT ]; then arguments+=(--comment); else arguments+=("--$option=$value"); fi
done
if [ "$command" = drift ]; then arguments+=(--detailed-exitcode); fi
if [ "$command" = rotate ]; then arguments+=(--due); fi

# 6: another run is at work. A merge waits for it; for what lapses or is due, the next run is in time.
status=0
for _ in 1 2 3 4 5 6 7 8 9 10; do
  status=0
  provision "${arguments[@]}" || status=$?
  if [[ $command = expire || $command = rotate ]] && [ "$status" = 6 ]; then exit 0; fi
  if [ "$command" != apply ] || [ "$status" != 6 ]; then break; fi
  sleep 60
done
exit "$status"
