_tasktracker_cli() {
    # Read line by line: what a task is called is never seen by the shell as code or pattern.
    local value explanation
    COMPREPLY=()
    while IFS=$'\t' read -r value explanation; do
        COMPREPLY+=("$value")
    done < <(tasktracker-cli complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _tasktracker_cli tasktracker-cli
