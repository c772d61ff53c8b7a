#!/usr/bin/env bash
# The main job, end to end: questions in; journaled, sandboxed, local answers out. Uses only the program itself.
set -euo pipefail

bin=${CARGO_TARGET_DIR:-target}/release/playhouse
dir=$(mktemp -d)
daemon=
export PLAYHOUSE__CALL_LOG=$dir/calls.log

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
fail() { printf '\ndemo: %s\n' "$*" >&2; tail -n 20 "$dir/daemon.log" >&2 || true; exit 1; }
clean() { [ -z "$daemon" ] || kill -9 "$daemon" 2>/dev/null || true; rm -rf "$dir"; }
trap clean EXIT

free_port() { # the first port from 7530 on where nobody listens
  local port=7530
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  echo "$port"
}
port=$(free_port)
export PLAYHOUSE_URL=http://127.0.0.1:$port

start() {
  "$bin" serve --data "$dir/data" --listen "127.0.0.1:$port" 2>>"$dir/daemon.log" &
  daemon=$!
  "$bin" ready --wait 60 >/dev/null || fail "the daemon did not become ready"
}

say "1. Start the daemon with the shipped model, nano ($(stat -c %s runtime/model-llama/nano/nano.gguf) bytes)"
start
"$bin" check

say "2. Ask three questions; every tool call runs in its own sandbox"
for question in "What is 37 times 12?" "Convert 5 miles to kilometers." "Look up amber-falcon."; do
  echo
  "$bin" task submit --watch "$question" || fail "no answer to: $question"
done

say "3. kill -9 the daemon in the middle of a task"
for _ in 1 2 3 4 5; do
  task=$("$bin" task submit "What is amber-falcon times 3?")
  "$bin" task watch "$task" --until tool_done >"$dir/before.txt" || fail "the task ended before it could be interrupted"
  kill -9 "$daemon"
  wait "$daemon" 2>/dev/null || true
  cp "$PLAYHOUSE__CALL_LOG" "$dir/calls-before.log"
  start
  "$bin" task watch "$task" >"$dir/after.txt" || fail "the task did not finish after the restart"
  if grep -q ' resumed ' "$dir/after.txt"; then break; fi
  echo "  (the task was faster than the kill; once more)"
done
grep -q ' resumed ' "$dir/after.txt" || fail "the task was never interrupted"
echo "  the daemon is dead (SIGKILL), and started again; the whole journal of that task:"
echo
cat "$dir/after.txt"
done_before=$(grep -c "^$task" "$dir/calls-before.log" || true)
first=$(grep "^$task" "$dir/calls-before.log" | head -n 1 | cut -d ' ' -f 1)
times=$(grep -c "^$first " "$PLAYHOUSE__CALL_LOG")
echo
echo "  The tool's own log, written when a call really starts:"
grep "^$task" "$PLAYHOUSE__CALL_LOG" | sed 's/^/    /'
echo "  $done_before call(s) before the kill; the completed one, $first, ran $times time(s)."
[ "$times" -eq 1 ] || fail "a completed step was repeated"

say "4. A conversation: the second question needs the first answer"
"$bin" task submit --watch --session demo "What is 15 plus 27?" || fail "no answer"
echo
"$bin" task submit --watch --session demo "Now double that." | tee "$dir/double.txt" || fail "no answer"
grep ' answer ' "$dir/double.txt" | grep -q 84 || fail "the follow-up did not use the earlier answer"

say "5. Stop the daemon"
kill -TERM "$daemon"
wait "$daemon" || fail "the daemon did not stop cleanly"
daemon=
echo "  stopped, exit 0"
say "Done. Next: $bin run \"What is 37 times 12?\"   and   docs/"
