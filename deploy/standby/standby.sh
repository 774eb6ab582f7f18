#!/usr/bin/env bash
# Two PostgreSQL servers on two ports of one machine: a primary, and a synchronous standby that holds
# every acknowledged request before its ack goes out. README.md beside this file tells how to use it.
set -euo pipefail
# shellcheck disable=SC2046 # several names
unset $(compgen -v PG) # the caller's PGPASSWORD, PGHOST … would lead the programs elsewhere

# shellcheck source=deploy/standby/servers.sh
. "$(dirname "$(readlink -f "$0")")/servers.sh"

usage() {
  cat <<'END'
standby.sh COMMAND [options]

  up        make both servers where they are missing, and start them; a standby of which it is not
            sure that it follows this very primary is copied anew
  status    what each of them is; exit code 0 only if both run and the standby is in sync
  watch     check the primary for ever; promote the standby when it fails and nothing can be lost
  promote   fence the primary and let the standby take its place (--force: even if it may lack requests)
  rejoin    bring the other server back as the standby of the one that is primary now
  alone     let the primary go on without its standby; until `rejoin`, a second failure loses requests
  down      stop both; data stays

  --home DIR            state, sockets and logs (/var/lib/hundi-postgres)
  --data-a, --data-b    data directories (HOME/a, HOME/b)
  --port-a, --port-b    ports on 127.0.0.1 (5432, 5433)
  --secrets DIR         files postgres, replicator and hundi, a password in each (HOME/secrets);
                        those that are missing are made
  --run-as USER         whom the servers run as when root calls (postgres)
  --bin DIR             PostgreSQL's programs (the newest of Debian's packages)
  --checks N            failed checks in a row before `watch` promotes (3)
  --every SECONDS       time between two checks (2)
END
}

say() { printf '%s\n' "$*"; }
complain() { printf 'standby.sh: %s\n' "$*" >&2; }
die() {
  complain "$@"
  exit 1
}
misused() {
  complain "$*"
  exit 2
}

# --- what was asked for

read_options() {
  home=/var/lib/hundi-postgres data_a='' data_b='' port_a=5432 port_b=5433 secrets='' run_as=postgres
  bin='' checks=3 every=2 force=''
  while [ $# -gt 0 ]; do
    case $1 in
      --force) force=yes && shift && continue ;;
      --home | --data-a | --data-b | --port-a | --port-b | --secrets | --run-as | --bin | --checks | --every) ;;
      *) misused "There is no option $1. \`standby.sh --help\` lists them." ;;
    esac
    [ -n "${2:-}" ] || misused "$1 needs a value."
    local name=${1#--}
    printf -v "${name//-/_}" '%s' "$2"
    shift 2
  done
  data_a=${data_a:-$home/a} data_b=${data_b:-$home/b} secrets=${secrets:-$home/secrets}
  [[ $port_a =~ ^[0-9]{1,5}$ && $port_b =~ ^[0-9]{1,5}$ && $port_a != "$port_b" ]] ||
    misused '--port-a and --port-b are two different port numbers.'
  [[ $checks =~ ^[1-9][0-9]{0,2}$ && $every =~ ^[0-9]{1,3}(\.[0-9]{1,3})?$ ]] ||
    misused '--checks is a number from 1, --every a number of seconds.'
  [[ $home$data_a$data_b$secrets != *[\'\"\\\ ]* && $home == /* && $data_a == /* && $data_b == /* ]] ||
    misused 'Directories are absolute paths without spaces and quotes.'
  [ "$data_a" != "$data_b" ] || misused '--data-a and --data-b are two directories.'
}

find_programs() {
  if [ -z "$bin" ]; then
    bin=$(find /usr/lib/postgresql -path '*/bin/initdb' -printf '%h\n' 2>/dev/null | sort -V | tail -n 1)
  fi
  [ -x "$bin/initdb" ] || die 'PostgreSQL is not installed. On Debian: apt-get install postgresql'
}

# --- commands

up() {
  owned_directory "$home"
  take_lock
  make_secrets
  make_logs
  local first second
  first=$(primary) second=$(standby)
  is_made "$first" || ! is_made "$second" ||
    die "Server $first's data are not in $(data_of "$first"), and it is the primary. Put them back; README.md tells more."
  is_made "$first" || make_primary "$first"
  write_settings "$first"
  write_place "$first" "$(! counts_as_safe "$second" || printf %s "$second")"
  is_pair || part "$first" "$second"
  start "$first"
  make_roles "$first"
  printf %s "$first" | write "$home/primary"
  if is_fenced "$second"; then
    say "Server $second was replaced and stays off. Bring it back: standby.sh rejoin"
    return
  fi
  make_slot "$first" "$second"
  follow_or_copy "$first" "$second"
  wait_for_standby "$first" "$second"
  say "Primary on port $(port_of "$first"), synchronous standby on port $(port_of "$second")."
  say "HUNDI_DATABASE_URL=postgresql://hundi:PASSWORD@127.0.0.1:$port_a,127.0.0.1:$port_b/hundi"
  say "PASSWORD is in $secrets/hundi."
}

# Before the primary runs: a standby of another history must not confirm a single one of its commits.
part() { # PRIMARY STANDBY
  distrust
  is_made "$2" || return 0
  say "Servers $1 and $2 are not the two folders that were in sync: one was restored, or it is not known."
  stop "$2" immediate 20
}

follow_or_copy() { # PRIMARY STANDBY
  if is_pair; then
    follow "$2"
    ! follows "$1" "$2" || return 0
    distrust
    say "Server $2 does not replay what server $1 writes, or holds what server $1 never wrote."
  fi
  copy_anew "$1" "$2"
}

describe() { # NODE
  if is_fenced "$1"; then
    printf 'fenced'
  elif ! is_running "$1"; then
    printf 'stopped'
  elif ! answers "$1"; then
    printf 'running, does not answer'
  elif is_in_recovery "$1"; then
    printf 'standby, received up to %s' "$(sql "$1" 'select pg_last_wal_receive_lsn()')"
  else
    printf 'primary, written up to %s' "$(sql "$1" 'select pg_current_wal_flush_lsn()')"
  fi
}

status() {
  local node first second
  first=$(primary) second=$(standby)
  for node in a b; do
    say "$node  port $(port_of "$node")  $(describe "$node")"
  done
  if ! is_safe "$second"; then
    say "No standby has every acknowledged request. Bring one back: standby.sh rejoin"
  elif is_odd "$first" "$second"; then
    say "No standby is safe: server $second does not replay what server $first writes, or holds what it never wrote: standby.sh rejoin"
    return 1
  else
    say "Server $second has every acknowledged request: it can be promoted without loss."
  fi
  is_safe "$second" && answers "$first" && is_in_sync "$first" "$second"
}

# Only a primary that runs can tell. One that does not leaves what `up`, `rejoin` and `watch` found.
is_odd() { # PRIMARY STANDBY
  local place
  answers "$1" || return 1
  ! is_ahead "$1" "$2" || return 0
  is_in_sync "$1" "$2" && place=$(sql "$1" 'select pg_current_wal_flush_lsn()') || return 1
  ! within 10 is_streaming "$1" "$2" "$place"
}

may_be_promoted() { # PRIMARY STANDBY
  is_safe "$2" && ! is_odd "$1" "$2"
}

promote() {
  local old new
  old=$(primary) new=$(standby)
  within 20 answers "$new" || die "Server $new does not answer: nothing can be promoted."
  [ -n "$force" ] || may_be_promoted "$old" "$new" ||
    die "Server $new may lack acknowledged requests. Start server $old again, or lose them: --force."
  say "Fencing server $old"
  fence "$old"
  write_place "$new" ''
  reload "$new"
  ! is_in_recovery "$new" || as_owner "$bin/pg_ctl" -D "$(data_of "$new")" -w -t 60 -s promote ||
    die "Server $new was not promoted: see $home/$new.log"
  printf %s "$new" | write "$home/primary"
  distrust
  say "Server $new on port $(port_of "$new") is primary, alone. Bring the other one back: standby.sh rejoin"
}

rejoin() {
  local first second
  first=$(primary) second=$(standby)
  answers "$first" || die "The primary, server $first, does not answer. Start it first: standby.sh up"
  is_pair || part "$first" "$second"
  if is_pair && is_running "$second" && is_in_recovery "$second" && follows "$first" "$second"; then
    say "Server $second follows already."
  else
    fence "$second"
    make_slot "$first" "$second"
    { is_pair && wind_back "$first" "$second"; } || copy_anew "$first" "$second"
  fi
  rm -f "$home/fenced-$second"
  wait_for_standby "$first" "$second"
  say "Server $second on port $(port_of "$second") is the synchronous standby."
}

alone() {
  local first
  first=$(primary)
  answers "$first" || die "The primary, server $first, does not answer."
  distrust
  write_place "$first" ''
  reload "$first"
  say "Server $first commits without a standby. Until \`standby.sh rejoin\` its disk is the only one."
}

down() {
  # The primary first: it sends its last words to the standby before it ends.
  stop "$(primary)" fast 60
  stop "$(standby)" fast 60
  say 'Both servers are stopped.'
}

# --- the health check

watch() {
  local failed=0 looked=0 rests='' since=0
  say "Watching server $(primary), every $every s; $checks failed checks in a row promote server $(standby)."
  while sleep "$every"; do
    if answers "$(primary)"; then
      failed=0
      check_standby
      continue
    fi
    failed=$((failed + 1))
    say "$(date -u +%H:%M:%S) server $(primary) does not answer ($failed)"
    [ "$failed" -ge "$checks" ] || continue
    ("$0" promote "${arguments[@]}") || complain 'not promoted; watching on'
    failed=0
  done
}

# What `up` found holds while the standby replays what the primary writes.
check_standby() {
  local first second place
  first=$(primary) second=$(standby)
  [ $((SECONDS - looked)) -ge 10 ] && counts_as_safe "$second" || return 0
  looked=$SECONDS
  if ! is_ahead "$first" "$second"; then
    place=$(rests_at "$first" "$second") || place=''
    [ -n "$place" ] && [ "$place" = "$rests" ] || since=$SECONDS
    rests=$place
    [ $((SECONDS - since)) -ge 60 ] || return 0
  fi
  complain "Server $second does not replay what server $first writes, or holds what it never wrote: standby.sh rejoin"
  # A command that is at work has a verdict of its own.
  (exec 9>"$home/lock" && flock -n 9 && distrust) || true
}

main() {
  local command=${1:-}
  case $command in
    -h | --help | help | '') usage && exit $((${#command} == 0 ? 2 : 0)) ;;
    up | status | watch | promote | rejoin | alone | down) ;;
    *) misused "There is no command $command. \`standby.sh --help\` lists them." ;;
  esac
  shift
  arguments=("$@")
  read_options "$@"
  [ "$command" = promote ] || [ -z "$force" ] || misused '--force belongs to promote.'
  find_programs
  [ "$command" = up ] || [ -e "$home/primary" ] || die "There is nothing in $home yet: standby.sh up"
  case $command in
    promote | rejoin | alone | down) take_lock ;;
  esac
  "$command"
}

main "$@"
