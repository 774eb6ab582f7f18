# What standby.sh does to the two servers, a and b. Sourced by it, with its options as variables.
# shellcheck shell=bash disable=SC2154

as_owner() {
  # The lock's descriptor is closed: a server that inherited it would hold the lock for ever.
  if [ "$(id -u)" -eq 0 ]; then
    runuser -u "$run_as" -- env -C / PGPASSFILE="$home/pgpass" PGCONNECT_TIMEOUT=3 LC_ALL=C.UTF-8 "$@" 9>&-
  else
    env -C / PGPASSFILE="$home/pgpass" PGCONNECT_TIMEOUT=3 LC_ALL=C.UTF-8 "$@" 9>&-
  fi
}

owned_directory() {
  [ -d "$1" ] || install -d -m 700 "$1"
  [ "$(id -u)" -ne 0 ] || chown "$run_as": "$1"
}

# Written aside and renamed: whoever reads it meets the old text or the new one, never half of it.
write() { # FILE, text on standard input
  cat >"$1.new"
  chmod 600 "$1.new"
  [ "$(id -u)" -ne 0 ] || chown "$run_as": "$1.new"
  sync "$1.new"
  mv "$1.new" "$1"
}

take_lock() {
  exec 9>"$home/lock"
  [ "$(id -u)" -ne 0 ] || chown "$run_as": "$home/lock" # the watch runs as the servers' owner
  flock -w 60 9 || die 'Another standby.sh is at work here. Try again when it has ended.'
}

# --- the two servers, a and b

data_of() { if [ "$1" = a ]; then printf %s "$data_a"; else printf %s "$data_b"; fi; }
port_of() { if [ "$1" = a ]; then printf %s "$port_a"; else printf %s "$port_b"; fi; }
other_of() { if [ "$1" = a ]; then printf b; else printf a; fi; }

primary() { cat "$home/primary" 2>/dev/null || printf a; }
standby() { other_of "$(primary)"; }

is_fenced() { [ -e "$home/fenced-$1" ]; }
is_made() { [ -s "$(data_of "$1")/PG_VERSION" ]; }

# Which folder a server has. One that was restored holds another history, which may be at the same
# positions of the same timeline: PostgreSQL does not notice. So HOME/pair keeps the two folders that
# were in sync: by a file that lives as long as its server, and by what a backup leaves in a folder.
stamp() {
  local data
  data=$(data_of "$1")
  printf '%s' "$1"
  stat -c ' %i:%.9W' "$data/global/pg_control" "$data/backup_label"* 2>/dev/null | tr -d '\n'
}
is_known() { is_made "$1" && grep -qxF "$(stamp "$1")" "$home/pair" 2>/dev/null; }
is_pair() { is_known a && is_known b; }

# HOME/safe names the standby that has every acknowledged request. It is written once the primary
# waits for that standby, and removed *before* it no longer does.
counts_as_safe() { [ "$(cat "$home/safe" 2>/dev/null)" = "$1" ]; }
is_safe() { # a primary that is gone acknowledges nothing; another one in its place does
  counts_as_safe "$1" && is_known "$1" && { is_known "$(other_of "$1")" || ! is_made "$(other_of "$1")"; }
}
distrust() {
  rm -f "$home/safe"
  sync "$home"
}

# A server's processes have its data directory as working directory. (Its file of process numbers
# outlives a crash, and then names nobody, or somebody else.)
processes_of() {
  local place data
  data=$(data_of "$1")
  for place in /proc/[0-9]*; do
    [ "$place/cwd" -ef "$data" ] || continue # no program a process: on a busy machine that took seconds
    [[ $(readlink "$place/exe") != */postgres* ]] || printf '%s ' "${place#/proc/}"
  done
}
is_gone() { [ -z "$(processes_of "$1")" ]; }
is_running() { ! is_gone "$1"; }

sql() { # NODE STATEMENT
  as_owner timeout 10 "$bin/psql" -XAtq -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$(port_of "$1")" \
    -U postgres -d postgres -c "$2"
}

answers() { [ "$(as_owner timeout 3 "$bin/psql" -XAtq -h 127.0.0.1 -p "$(port_of "$1")" -U postgres -d postgres -c 'select 1' 2>/dev/null)" = 1 ]; }
is_in_recovery() { [ "$(sql "$1" 'select pg_is_in_recovery()' 2>/dev/null)" = t ]; }

within() { # SECONDS COMMAND…: whether it succeeds in that time
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.2
  done
}

wait_until() { # SECONDS WHAT COMMAND…
  local seconds=$1 what=$2
  shift 2
  within "$seconds" "$@" || die "Waited too long: $what. See the logs in $home."
}

start() {
  ! is_running "$1" || return 0
  # Left by a crash. While nobody has reaped the process that died, PostgreSQL takes them for a server's.
  rm -f "$(data_of "$1")/postmaster.pid" "$home/.s.PGSQL.$(port_of "$1")"*
  as_owner "$bin/pg_ctl" -D "$(data_of "$1")" -l "$home/$1.log" -w -t 60 -s start ||
    die "Server $1 did not start. Its last words are in $home/$1.log."
}

stop() { # NODE MODE SECONDS
  ! is_running "$1" || as_owner "$bin/pg_ctl" -D "$(data_of "$1")" -w -t "$3" -m "$2" -s stop
}

reload() { as_owner "$bin/pg_ctl" -D "$(data_of "$1")" -s reload; }

# --- settings

write_settings() { # NODE: what both servers share
  write "$(data_of "$1")/hundi.conf" <<END
listen_addresses = '127.0.0.1'
unix_socket_directories = '$home'
password_encryption = 'scram-sha-256'
max_connections = 200
wal_level = replica
hot_standby = on
wal_log_hints = on # pg_rewind needs it
max_wal_senders = 10
max_replication_slots = 10
max_slot_wal_keep_size = '16GB' # a standby that is away for longer is made anew
wal_keep_size = '512MB'
wal_sender_timeout = '10s'
wal_receiver_timeout = '10s'
fsync = on
full_page_writes = on
synchronous_commit = on # an ack says: on disk here and on the standby
END
  write "$(data_of "$1")/pg_hba.conf" <<'END'
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
host replication replicator 127.0.0.1/32 scram-sha-256
END
}

write_place() { # NODE SYNCHRONOUS_STANDBY: what this server is now; it follows the other one when told to
  local upstream
  upstream=$(other_of "$1")
  write "$(data_of "$1")/hundi-place.conf" <<END
port = $(port_of "$1")
cluster_name = 'hundi_$1'
synchronous_standby_names = '${2:+FIRST 1 (hundi_$2)}'
primary_slot_name = 'hundi_$1'
primary_conninfo = 'host=127.0.0.1 port=$(port_of "$upstream") user=replicator application_name=hundi_$1 passfile=$home/pgpass connect_timeout=5'
END
}

make_secrets() {
  local role
  owned_directory "$secrets"
  for role in postgres replicator hundi; do
    [ -s "$secrets/$role" ] || head -c 36 /dev/urandom | base64 -w 0 | tr '+/' '-_' | write "$secrets/$role"
    as_owner test -r "$secrets/$role" || die "$run_as cannot read $secrets/$role. Give it the file."
    printf '*:*:*:%s:%s\n' "$role" "$(head -n 1 "$secrets/$role" | sed 's/[\\:]/\\&/g')"
  done | write "$home/pgpass"
}

make_logs() {
  touch "$home/a.log" "$home/b.log"
  [ "$(id -u)" -ne 0 ] || chown "$run_as": "$home/a.log" "$home/b.log"
}

make_primary() {
  local data
  data=$(data_of "$1")
  owned_directory "$data"
  say "Making server $1 in $data"
  as_owner "$bin/initdb" -D "$data" -U postgres -A scram-sha-256 --pwfile="$secrets/postgres" \
    -E UTF8 --locale=C.UTF-8 --data-checksums >>"$home/$1.log" 2>&1 || die "initdb failed: see $home/$1.log"
  printf '%s\n' "include = 'hundi.conf'" "include = 'hundi-place.conf'" >>"$data/postgresql.conf"
}

make_roles() { # NODE
  local role
  for role in replicator hundi; do
    # By standard input: an argument could be read in the list of processes, a statement in the log.
    as_owner "$bin/psql" -Xq -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$(port_of "$1")" -U postgres -d postgres <<END >/dev/null
set log_min_error_statement = panic;
\\set password \`head -n 1 '$secrets/$role'\`
select format('create role $role login %s password %L', '$([ $role = hundi ] || printf replication)', :'password')
where not exists (select from pg_roles where rolname = '$role') \\gexec
select 'create database hundi owner hundi' where '$role' = 'hundi'
and not exists (select from pg_database where datname = 'hundi') \\gexec
END
  done
}

# --- the standby

make_standby() { # NODE
  local source
  source=$(other_of "$1")
  make_slot "$source" "$1"
  owned_directory "$(data_of "$1")"
  say "Copying server $source to server $1 in $(data_of "$1")"
  as_owner "$bin/pg_basebackup" -D "$(data_of "$1")" -h 127.0.0.1 -p "$(port_of "$source")" -U replicator \
    -S "hundi_$1" -X stream -c fast >>"$home/$1.log" 2>&1 || die "pg_basebackup failed: see $home/$1.log"
}

make_slot() { # PRIMARY STANDBY
  sql "$1" "select pg_create_physical_replication_slot('hundi_$2', true)
    where not exists (select from pg_replication_slots where slot_name = 'hundi_$2')" >/dev/null
}

follow() { # NODE: start it as the standby of the other one
  write_settings "$1"
  write_place "$1" ''
  as_owner touch "$(data_of "$1")/standby.signal"
  start "$1"
  # Its own slots, from a time as primary, would keep files of its log for nobody.
  sql "$1" 'select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active' >/dev/null
}

is_streaming() { # PRIMARY STANDBY PLACE: the standby replayed everything up to there, and has nothing else
  [ "$(sql "$1" "select flush_lsn between '$3' and pg_current_wal_flush_lsn() from pg_stat_replication
    where application_name = 'hundi_$2' and state = 'streaming'" 2>/dev/null)" = t ] &&
    [ "$(sql "$2" "select pg_last_wal_replay_lsn() >= '$3'::pg_lsn" 2>/dev/null)" = t ]
}

# A standby cannot have what its primary never wrote: it holds the data of before a restore.
is_ahead() { # PRIMARY STANDBY
  local replayed
  replayed=$(sql "$2" 'select pg_last_wal_replay_lsn()' 2>/dev/null) && [ -n "$replayed" ] || return 1
  [ "$(sql "$1" "select '$replayed' > pg_current_wal_flush_lsn() or exists (select from pg_stat_replication
    where application_name = 'hundi_$2' and flush_lsn > pg_current_wal_flush_lsn())" 2>/dev/null)" = t ]
}

rests_at() { # PRIMARY STANDBY: where it replays while it has more; nothing when it has no more
  sql "$1" "select replay_lsn from pg_stat_replication where application_name = 'hundi_$2'
    and replay_lsn < flush_lsn" 2>/dev/null
}

follows() { # PRIMARY STANDBY: it replays up to where the primary is now, and rests nowhere for a minute
  local place replayed='' now deadline=$((SECONDS + 60))
  place=$(sql "$1" 'select pg_current_wal_flush_lsn()')
  until is_streaming "$1" "$2" "$place"; do
    ! is_ahead "$1" "$2" || return 1
    now=$(sql "$2" 'select pg_last_wal_replay_lsn()' 2>/dev/null) || now=$replayed
    [ "$now" = "$replayed" ] || deadline=$((SECONDS + 60))
    replayed=$now
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.2
  done
}
is_in_sync() { [ "$(sql "$1" "select sync_state from pg_stat_replication where application_name = 'hundi_$2'" 2>/dev/null)" = sync ]; }

# Whether the other server could be wound back to where the two parted, and follows from there.
wind_back() { # PRIMARY STANDBY
  is_made "$2" || return 1
  # Until its first checkpoint a new primary's files tell of the time before: pg_rewind would find
  # that the two had never parted.
  sql "$1" checkpoint
  rm -f "$(data_of "$2")/postmaster.pid" # left by a crash: pg_rewind would take it for a server
  as_owner "$bin/pg_rewind" -D "$(data_of "$2")" \
    --source-server="host=127.0.0.1 port=$(port_of "$1") user=postgres dbname=postgres" >>"$home/$2.log" 2>&1 || return 1
  (follow "$2") || return 1
  follows "$1" "$2" || return 1
  say "Server $2 was wound back to where the two parted"
}

# What only the old server has counts no more, but a person may want to look at it.
copy_anew() { # PRIMARY STANDBY
  local data
  data=$(data_of "$2")
  stop "$2" immediate 20
  [ -z "$(ls -A "$data" 2>/dev/null)" ] || mv "$data" "$data.$(date -u +%Y%m%dT%H%M%SZ)"
  make_standby "$2"
  follow "$2"
}

# From here on no commit of the primary counts before the standby has it.
wait_for_standby() { # PRIMARY STANDBY
  write_place "$1" "$2"
  reload "$1"
  wait_until 60 "server $2 is not in sync" is_in_sync "$1" "$2"
  sleep 1 # the primary's processes hear of the setting one after the other
  # Commits that were acknowledged before they heard of it are behind this place.
  follows "$1" "$2" || die "Server $2 does not follow server $1. See the logs in $home."
  printf '%s\n' "$(stamp a)" "$(stamp b)" | write "$home/pair"
  printf %s "$2" | write "$home/safe"
}

# --- fencing: a primary that has been replaced must never answer again

fence() { # NODE
  local left
  : >"$home/fenced-$1"
  # A healthy one ends its work, and the standby gets all of it.
  ! answers "$1" || stop "$1" fast 20 || true
  ! is_running "$1" || stop "$1" immediate 3 2>/dev/null || true
  # One that was stopped in its tracks does not hear of that; and its sessions outlive its first process.
  left=$(processes_of "$1")
  # shellcheck disable=SC2086 # several numbers
  [ -z "$left" ] || kill -KILL $left 2>/dev/null || true
  wait_until 10 "server $1 cannot be stopped" is_gone "$1"
}

