#compdef tasktracker-cli
_tasktracker_cli() {
    # Read line by line: what a task is called is never seen by the shell as code or pattern.
    local value explanation
    local -a found
    while IFS=$'\t' read -r value explanation; do
        found+=("${value//:/\\:}:$explanation")
    done < <(tasktracker-cli complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)
    if (( $#found )); then
        _describe 'tasktracker-cli' found
    else
        _files
    fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _tasktracker_cli "$@"
else
    compdef _tasktracker_cli tasktracker-cli
fi
