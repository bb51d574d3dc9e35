package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// longestLog is a limit for each log file of a program that writes no other file: 10 MiB.
const longestLog = 10 << 20

// sendOutput appends the program's output to STEM.stdout.NUMBER and STEM.stderr.NUMBER: the names of the
// log files of a task in Nomad, which shows them as those of its own log collector.
func (w wall) sendOutput() error {
	if w.log == "" {
		return nil
	}
	// The folder of the logs may be open to others: a link of theirs is not followed.
	const flags = unix.O_WRONLY | unix.O_APPEND | unix.O_CREAT | unix.O_CLOEXEC | unix.O_NOFOLLOW
	for descriptor, stream := range map[int]string{unix.Stdout: "stdout", unix.Stderr: "stderr"} {
		name := current(w.log + "." + stream)
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

// current returns the name of the file that a start of the program appends to. The first is STEM.0. When the
// newest one is half full, it is the next one: so a program that filled its log has one again after a start.
// Only one older file is kept.
func current(stem string) string {
	folder, prefix := filepath.Split(stem + ".")
	entries, err := os.ReadDir(filepath.Clean(folder))
	if err != nil {
		return stem + ".0" // what opens it tells the error
	}
	var numbers []int
	newest := 0
	for _, entry := range entries {
		digits, found := strings.CutPrefix(entry.Name(), prefix)
		if number, err := strconv.Atoi(digits); found && err == nil && number >= 0 {
			numbers = append(numbers, number)
			newest = max(newest, number)
		}
	}
	last := stem + "." + strconv.Itoa(newest)
	if file, err := os.Lstat(last); err != nil || file.Size() < longestLog/2 {
		return last
	}
	for _, number := range numbers {
		if number < newest {
			_ = os.Remove(stem + "." + strconv.Itoa(number)) // one that stays is in nobody's way
		}
	}
	return stem + "." + strconv.Itoa(newest+1)
}
