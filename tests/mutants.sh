# shellcheck shell=bash
# Sourced by ../build.sh: plants each bug of src/lab/bugs.txt and tests/node/bugs.txt, and shows which tests find it.

MUTANT_KILLERS=3 # programs that find a bug before it counts as well known
MUTANT_SECONDS=20 # besides five times what a program takes without a bug: one may hang it

lab_bugs() { sed -n 's/^bug \([^ ]*\) .*/\1/p' src/lab/bugs.txt; }
lab_bug_name() { sed -n "s/^bug $1 //p" src/lab/bugs.txt; }

# first_red BUG PROGRAM: the first test that turns red; nothing when all stay green.
first_red() {
    local most=$((MUTANT_SECONDS + 5 * $(cat "build/lab/$2.seconds")))
    KVC_BUG=$1 PART=$(part lab) timeout -k 1 $most "build/lab/$2" 2>&1 | awk -f tests/native/red.awk
}

# What found each bug, for readers of the lab, and for the hunt. A bug that crashes may do so elsewhere in other
# builds: of the tests in the record, one has to find it.
MUTANTS_RECORD=src/lab/found.txt

found_by() { sed "s/^/$1 /" "build/lab/$1.killers"; }
as_recorded() { found_by "$1" | grep -qxFf $MUTANTS_RECORD; }

# recorded BUG: the programs that find it, as the record says; '.*' for BUG: those that find any.
recorded() {
    sed -n "/^#/d; s/^$1 \([^: ]*\): .*/test_\1/p" $MUTANTS_RECORD | sed 's/^test_fuzz_/fuzz_/' | sort -u
}

# hunt BUG: one line for each program that finds it. By those of the record, until one has found what stands
# there; with KEEP by all, until enough have.
hunt() {
    local program programs red killers=0
    if [ -z "${KEEP:-}" ]; then programs=$(recorded "$1"); else
        programs=$(test_programs | grep -vxF "${LONG// /$'\n'}")" $LONG"
    fi
    : >"build/lab/$1.killers"
    for program in $programs; do
        case " $LONG " in *" $program "*) [ $killers = 0 ] || break ;; esac
        red=$(first_red "$1" "$program" 2>/dev/null || true)
        [ -n "$red" ] || continue
        echo "${program#test_}: $red" >>"build/lab/$1.killers"
        killers=$((killers + 1))
        [ $killers != "$MUTANT_KILLERS" ] || break
        [ -n "${KEEP:-}" ] || ! as_recorded "$1" || break
    done
}

write_mutants_record() {
    local bug
    echo "# The tests that find each bug of bugs.txt, by program: written by ./build.sh mutants keep."
    for bug in $(lab_bugs); do found_by "$bug"; done
}

keep_mutants() {
    setup native && compile_native lab
    # shellcheck disable=SC2046
    run_native lab $(test_programs) && KEEP=1 run_native_mutants && write_mutants_record >$MUTANTS_RECORD
}

run_native_mutants() {
    local KEEP=${KEEP:-} bug killed=0 survived=0 found
    export KEEP LONG MUTANT_KILLERS MUTANT_SECONDS MUTANTS_RECORD
    export NATIVE_FLAVOURS
    export -f part as_recorded first_red found_by hunt recorded test_programs
    lab_bugs | xargs -P "$CORES" -I {} bash -c 'hunt {}' 2>/dev/null # bash tells of every crash
    for bug in $(lab_bugs); do
        found=$(paste -sd '|' "build/lab/$bug.killers" | sed 's/|/, /g')
        if [ -n "$found" ]; then killed=$((killed + 1)); else survived=$((survived + 1)); fi
        printf '  %-5s %-22s %s\n' "$bug" "$(lab_bug_name "$bug")" "${found:-NOTHING FOUND IT}"
        if [ -z "$KEEP" ] && ! as_recorded "$bug"; then
            say "$MUTANTS_RECORD does not tell what finds $bug: ./build.sh mutants keep"
            [ -z "$found" ] || survived=$((survived + 1))
        fi
    done
    report "native mutants" $killed $survived
}

run_node_mutants() { # run_node_mutants [LOGS]
    local log=build/mutants.log missed status=0
    mkdir -p build
    node tests/node/mutants.js "$@" | tee "$log" || status=$?
    missed=$(tap_count missed "$log")
    if [ $status != 0 ] && [ "$missed" = 0 ]; then missed=1; fi # the list itself is wrong
    report "node mutants" "$(tap_count found "$log")" "$missed"
}
