package main

import (
	"fmt"
	"os/signal"

	"golang.org/x/sys/unix"
)

// longestLog is a limit for the log of a program that writes no other file: 10 MiB.
const longestLog = 10 << 20

// sendOutput appends the program's output to STEM.stdout.0 and STEM.stderr.0: the names of the log files
// of a task in Nomad, which shows them as those of its own log collector.
func (w wall) sendOutput() error {
	if w.log == "" {
		return nil
	}
	// The folder of the logs may be open to others: a link of theirs is not followed.
	const flags = unix.O_WRONLY | unix.O_APPEND | unix.O_CREAT | unix.O_CLOEXEC | unix.O_NOFOLLOW
	for descriptor, stream := range map[int]string{unix.Stdout: "stdout", unix.Stderr: "stderr"} {
		name := w.log + "." + stream + ".0"
		file, err := unix.Open(name, flags, 0o600)
		if err != nil {
			return fmt.Errorf("--log %s: %w", name, err)
		}
		if err := unix.Dup3(file, descriptor, 0); err != nil {
			return fmt.Errorf("--log %s: %w", name, err)
		}
	}
	if len(w.write) > 0 {
		return nil // the limit would be one for its data, too
	}
	// Beyond the limit a write fails. Without Ignore it would end the program.
	signal.Ignore(unix.SIGXFSZ)
	limit := unix.Rlimit{Cur: longestLog, Max: longestLog}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return fmt.Errorf("--log: %w", err)
	}
	return nil
}
