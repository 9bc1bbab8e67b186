# Sourced by the scripts beside it: a run of steps, each with a time limit and its time printed, and a last line that says
# how it ended.

failed=()
lanes=()
count=0
begun=$SECONDS

# step NAME SECONDS COMMAND...: runs a step with a time limit, which is also what is left of the run's $seconds_max, prints
# how long it took, and remembers whether it failed.
step() {
	local name=$1 limit=$2 start=$SECONDS left=$((seconds_max - (SECONDS - begun)))
	shift 2
	[ "$limit" -le "$left" ] || limit=$((left > 1 ? left : 1))
	printf '\n== %s\n' "$name"
	if timeout --kill-after=10 "$limit" "$@"; then
		printf -- '-- %s: ok, %d s\n' "$name" $((SECONDS - start))
	else
		local status=$?
		[ "$status" -eq 124 ] && printf -- '-- %s: took longer than %d s\n' "$name" "$limit"
		printf -- '-- %s: FAILED, %d s\n' "$name" $((SECONDS - start))
		failed+=("$name")
	fi
	count=$((count + 1))
}

# lane FUNCTION: runs a function of steps beside what follows. What they print is shown when all lanes are over.
lane() {
	local kept
	kept=$(mktemp -d)
	(
		failed=() count=0
		"$1"
		printf '%s\n' "$count" "${failed[@]}" > "$kept/result"
	) > "$kept/output" 2>&1 &
	lanes+=("$! $kept")
}

# join: waits for all lanes, shows what they printed, and takes their failures over.
join() {
	local each pid kept result
	for each in "${lanes[@]}"; do
		read -r pid kept <<< "$each"
		wait "$pid"
		cat "$kept/output"
		# A lane that was ended by somebody else left no result.
		[ -s "$kept/result" ] || printf '%s\n' 0 "a lane" > "$kept/result"
		mapfile -t result < "$kept/result"
		count=$((count + result[0]))
		failed+=("${result[@]:1}")
		rm -rf "$kept"
	done
	lanes=()
}

# finish: says how the run went, and ends it.
finish() {
	printf '\n'
	if [ ${#failed[@]} -eq 0 ]; then
		printf '%s: passed, %d steps in %d s\n' "$run_name" "$count" $((SECONDS - begun))
		exit 0
	fi
	printf '%s: FAILED (%s), %d steps in %d s\n' "$run_name" "$(printf '%s, ' "${failed[@]}" | sed 's/, $//')" "$count" $((SECONDS - begun))
	exit 1
}
