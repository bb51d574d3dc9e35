function __tasktracker_cli_complete
    set -l words (commandline -opc) (commandline -ct)
    tasktracker-cli complete -- $words[2..-1] 2>/dev/null
end
complete --command tasktracker-cli --no-files --arguments '(__tasktracker_cli_complete)'
