// Wall limits a program to its own files: it becomes a system user, gives up every privilege, closes the
// file system except for the given paths, and then executes the program. The process id stays the same,
// so signals and exit codes work, and a restarted Nomad finds the process.
//
//	wall --user NAME [--read PATH]... [--private FOLDER]... [--write PATH]... [--open FILE] [--log STEM]
//	     [--retries NUMBER] -- PROGRAM [ARGUMENT]...
//
// It must be started as root. A relative path is below the working folder: the program can use it even if
// it may not enter the folders above. For a program that needs absolute paths, --open opens a file as
// /dev/fd/9. With --log, the output goes to STEM.stdout.0 and STEM.stderr.0 (output.go). --private is for a folder of
// secrets that root writes while the program reads them. --retries is for a sidecar, and for the network of
// its allocation: see network.go.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	cannotStart      = 126 // a shell's exit code for a program that it cannot execute
	openedDescriptor = 9   // above the descriptors that Go's runtime uses
)

// A wall: the paths that are open, and the program behind it.
type wall struct {
	user    string
	read    []string // files, and folders with everything in them
	private []string // folders to read, which are closed to all other users
	write   []string // folders
	open    string   // a file, or empty
	log     string   // the start of two names of files, or empty
	retries int      // of unanswered data, or 0 for the kernel's own number
	command []string
}

func main() {
	// Privileges belong to a thread. An executed program gets those of the calling thread.
	runtime.LockOSThread()
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "wall: %v\n", err)
		os.Exit(cannotStart)
	}
}

func run(words []string) error {
	w, err := parse(words)
	if err != nil {
		return err
	}
	if err := w.sendOutput(); err != nil {
		return err
	}
	if err := w.openFile(); err != nil {
		return err
	}
	if err := w.limitRetries(); err != nil {
		return err
	}
	for _, folder := range w.private {
		if err := closeToOthers(folder, w.user); err != nil {
			return err
		}
	}
	unix.Umask(0o077) // files that it makes are private
	if err := become(w.user); err != nil {
		return err
	}
	if err := closeFiles(w.read, w.write); err != nil {
		return err
	}
	if err := refuseCalls(); err != nil {
		return err
	}
	if err := syscall.Exec(w.command[0], w.command, os.Environ()); err != nil {
		return fmt.Errorf("%s cannot be executed by %s: %w", w.command[0], w.user, err)
	}
	return nil
}

func parse(words []string) (wall, error) {
	var w wall
	flags := flag.NewFlagSet("wall", flag.ContinueOnError)
	flags.StringVar(&w.user, "user", "", "the system user to become")
	flags.Func("read", "a path to read and execute below", appendTo(&w.read))
	flags.Func("private", "a folder to read, closed to other users", appendTo(&w.private))
	flags.Func("write", "a folder to read and write in", appendTo(&w.write))
	flags.StringVar(&w.open, "open", "", "a file to read as /dev/fd/9")
	flags.StringVar(&w.log, "log", "", "append output to this name with .stdout.0 and .stderr.0")
	flags.IntVar(&w.retries, "retries", 0, "how often this network sends unanswered data again")
	if err := flags.Parse(words); err != nil {
		return w, err
	}
	w.command = flags.Args()
	if len(w.command) == 0 || w.command[0][0] != '/' {
		return w, fmt.Errorf("after -- give the program's absolute path and its arguments")
	}
	w.read = append(w.read, w.private...)
	if w.open != "" {
		w.read = append(w.read, w.open)
	}
	return w, nil
}

func (w wall) openFile() error {
	if w.open == "" {
		return nil
	}
	file, err := unix.Open(w.open, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("--open %s: %w", w.open, err)
	}
	// The copy, unlike the original, stays open in the program.
	copied, err := unix.FcntlInt(uintptr(file), unix.F_DUPFD, openedDescriptor)
	if err == nil && copied != openedDescriptor {
		err = fmt.Errorf("descriptor %d is in use", openedDescriptor)
	}
	return err
}

func appendTo(paths *[]string) func(string) error {
	return func(path string) error {
		*paths = append(*paths, path)
		return nil
	}
}
