#!/usr/bin/env bash
# Shows what Meltemi does, on a stock Envoy with real Dubbo, Thrift and bRPC messages, and
# stops everything that it started. With --stay it leaves all running until Ctrl-C.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
meltemi=$here/../../bin/meltemi
stay=${1:-}
work=$(mktemp -d)
pids=()

stop() {
  trap - EXIT INT TERM
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM
stopped() { printf '\n%sEverything is stopped.%s\n' "$bold" "$plain"; }

bold=""; plain=""
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m'; plain=$'\e[0m'; fi

fail() { echo "demo: $*" >&2; for log in "$work"/*.log; do echo "--- $log" >&2; cat "$log" >&2; done; exit 1; }

# await PATTERN FILE...: waits for a line in one of the files and prints it.
await() {
  local pattern=$1 line
  shift
  for _ in $(seq 300); do
    line=$(grep -h -m1 -- "$pattern" "$@" 2>/dev/null || true)
    if [ -n "$line" ]; then
      printf '%s\n' "$line"
      return
    fi
    sleep 0.1
  done
  fail "no line \"$pattern\" in $* after 30 s"
}

# server CODEC NAME FLAGS...: starts a sample server, puts its port into the mesh file, and
# sets the variable "port".
server() {
  local codec=$1 name=$2
  shift 2
  "$meltemi" serve "$codec" 127.0.0.1:0 --name "$name" "$@" >"$work/$name.log" 2>&1 &
  pids+=($!)
  port=$(await '^ready ' "$work/$name.log" | sed 's/.*://')
  sed -i "s/:${name^^}\"/:$port\"/" "$work/mesh.yaml"
}

step() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }

# quoted WORD...: prints words as a shell takes them.
quoted() {
  local word
  for word; do
    case $word in
    *[!A-Za-z0-9_./:=-]*) printf " '%s'" "$word" ;;
    *) printf ' %s' "$word" ;;
    esac
  done
}

# show METHOD FLAGS...: makes a Dubbo call; show_as CODEC ADDRESS METHOD FLAGS... another.
# Both print the command and its output. Failures are part of the show, so the exit code
# is printed rather than obeyed.
show() { show_as dubbo "$address" "$@"; }
show_as() { tool call "$@"; }

# tool COMMAND FLAGS...: runs another command of meltemi likewise.
tool() {
  local code=0
  printf '$ meltemi%s\n' "$(quoted "$@")"
  "$meltemi" "$@" >"$work/out" 2>&1 || code=$?
  sed 's/^/    /' "$work/out"
  [ "$code" = 0 ] || echo "    (exit code $code)"
}

# expect PATTERN WHAT: the last output must tell it, or the demo has failed.
expect() { grep -q -- "$1" "$work/out" || fail "the output above should show $2"; }

# counted PATTERN: prints those of Envoy's statistics that count something.
counted() {
  python3 - "$admin" "$1" >"$work/out" <<'PYTHON'
import sys, urllib.parse, urllib.request
pattern = urllib.parse.quote(sys.argv[2])
text = urllib.request.urlopen(f"http://{sys.argv[1]}/stats?usedonly&filter={pattern}", timeout=5).read().decode()
for line in sorted(text.splitlines()):
    print(line)
PYTHON
  sed 's/^/    /' "$work/out"
}

# found NAME: prints an address of the line "ready".
found() { sed -n "s/^ready .*\b$1=\([0-9.:]*\).*/\1/p" "$work/envoy.log"; }

step "Starting four Dubbo servers, a Thrift and a bRPC server, and a stock Envoy with libmeltemi.so"
mkdir "$work/records"
sed "s:RECORDS:$work/records:" "$here/mesh.yaml" >"$work/mesh.yaml"
server dubbo v1
server dubbo v2; v2=127.0.0.1:$port
server dubbo slow --delay 2s
server dubbo flaky --fail 0.5; flaky=127.0.0.1:$port
server thrift thrift
server brpc brpc
"$meltemi" run "$work/mesh.yaml" >"$work/envoy.log" 2>&1 &
pids+=($!)
await '^ready ' "$work/envoy.log"
address=$(found demo); any=$(found any); filtered=$(found filtered); admin=$(found admin)

step "Routing by method: newGreeting goes to v2"
show demo.Greeter.newGreeting --arg '"world"'; expect '"server": "v2"' "server v2"
step "Routing by attachment: the tenant vip goes to v2 too; the server saw the traceparent that Envoy made"
show demo.Greeter.hello --arg '"world"' --set tenant=vip; expect '"server": "v2"' "server v2"; expect '"traceparent": "00-' "a traceparent"
step "A 90/10 split over 200 calls"
show demo.Greeter.hello --repeat 200 --concurrency 4; expect ' v1$' "server v1"; expect ' v2$' "server v2"
step "A timeout of 0.3 s in front of a server that takes 2 s: a Dubbo timeout, not a hang"
show demo.Greeter.slow --timeout 5s; expect 'status 31' "Dubbo's status of timeouts"
step "A server that fails every second call, asked directly, and behind a retry policy that saves them"
show_as dubbo "$flaky" demo.Greeter.flaky --repeat 20; expect '20 calls: 10 ok, 10 failed' "10 failures"
show demo.Greeter.flaky --repeat 20; expect '20 calls: 20 ok, 0 failed' "20 good calls"
step "An injected fault"
show demo.Greeter.faulty; expect 'fault filter abort' "the fault"
step "A rate limit of 3 calls a minute: the refusal is an exception, which Dubbo's clients do not repeat"
show demo.Greeter.limited --repeat 5; expect '2  exception .*local_rate_limited' "two refusals"
step "A one-way call: no answer, and the server got it"
show demo.Greeter.notify --oneway --arg '"fire and forget"'
await notify "$work/v1.log" "$work/v2.log" | sed 's/^/    server: /' # the split chooses which

step "Several protocols on one port, told apart by their first bytes: Dubbo"
show_as dubbo "$any" demo.Greeter.hello --arg '"world"'; expect '"server": "v1"' "server v1"
step "Thrift on the same port, routed by the same rules"
show_as thrift "$any" demo.Greeter.hello --arg '"world"'; expect '"server": "thrift"' "the Thrift server"
step "bRPC on the same port"
show_as brpc "$any" demo.Greeter.hello --arg '"world"' --set tenant=vip; expect '"server": "brpc"' "the bRPC server"
step "What Envoy denies is an error of the protocol that asked: an exception for Dubbo, a TApplicationException for Thrift, an error code for bRPC"
show_as dubbo "$any" demo.Greeter.secret; expect 'not for you' "the refusal"
show_as thrift "$any" demo.Greeter.secret; expect 'not for you' "the refusal"
show_as brpc "$any" demo.Greeter.secret; expect 'not for you' "the refusal"

step "Filters in Go: a route by an argument of the call, which nobody put into its metadata"
show_as dubbo "$filtered" demo.Greeter.order --arg '{"customer": "gold", "item": 7}' --set token=secret; expect '"server": "v2"' "server v2"
show_as dubbo "$filtered" demo.Greeter.order --arg '{"customer": "blue", "item": 7}'; expect '"server": "v1"' "server v1"
step "A cache: of 20 calls the server gets one"
show_as dubbo "$filtered" demo.Greeter.price --arg 7 --repeat 20; expect '20 calls: 20 ok, 0 failed' "20 good calls"
counted 'custom.meltemi_cache_(hits|misses)_total'; expect 'hits_total.*: 19' "19 calls that the cache answered"
step "Metrics by method, which the filter stats keeps"
counted 'custom.meltemi_stats_calls_total'; expect 'method.price.code.OK: 20' "the 20 calls of price"
step "A breaker: the server fails every second call, so after 10 of them it is left alone"
show_as dubbo "$filtered" demo.Greeter.ill --repeat 30; expect 'circuit breaker is open' "refusals"
step "Calls that were recorded, without their token, shown and sent again: does another server answer the same?"
await '"method":"order"' "$work"/records/*.jsonl >/dev/null
tool inspect "$work"/records/*.jsonl; expect 'demo.Greeter' "the calls"; ! grep -q secret "$work/out" || fail "the token is in the record"
tool replay "$work"/records/*.jsonl --to "$v2" --diff --ignore result.call; expect 'result.server' "the difference"

step "What Envoy counted"
counted 'custom.meltemi_(calls|replies|oneway|local|refused)|cluster.(v1|v2|flaky|slow|thrift|brpc).upstream_rq_(total|retry|timeout)$'

if [ "$stay" = "--stay" ]; then
  step "All of it runs on. Try, in another terminal:"
  cat <<TEXT
  $meltemi call dubbo $address demo.Greeter.hello --arg '"you"' --set tenant=vip
  $meltemi call dubbo $address demo.Greeter.hello --repeat 100
  $meltemi call thrift $any demo.Greeter.hello --arg '"you"'
  $meltemi call brpc $any demo.Greeter.hello --arg '"you"'
  $meltemi config $work/mesh.yaml
  edit $work/mesh.yaml: changes of listeners, routes and clusters take effect at once
  open http://$admin for Envoy's own view
Ctrl-C stops everything.
TEXT
  trap 'stop; stopped; exit 0' INT TERM
  wait -n "${pids[@]}" || true
  fail "one of the programs has ended"
fi
stop
stopped
