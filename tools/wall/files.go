package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/landlock-lsm/go-landlock/landlock"
	abi "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// The first version of Landlock (Linux 5.19) that can allow to rename files between folders.
const oldestLandlock = 2

var (
	// The system's files that programs need. None of them is a secret. Missing ones are skipped.
	system = []string{
		"/bin", "/lib", "/lib64", "/usr",
		"/etc/alternatives", "/etc/gai.conf", "/etc/group", "/etc/host.conf", "/etc/hosts",
		"/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/etc/nsswitch.conf", "/etc/passwd",
		"/etc/protocols", "/etc/python3*", "/etc/resolv.conf", "/etc/services", "/etc/ssl/certs",
		"/etc/ssl/openssl.cnf", "/etc/timezone",
		// The kernel hides memory and environment of other users' processes and of those outside the wall.
		"/proc", "/sys/devices/system/cpu", "/sys/kernel/mm/transparent_hugepage",
	}
	devices = []string{"/dev/full", "/dev/null", "/dev/random", "/dev/tty", "/dev/urandom", "/dev/zero"}
)

// closeFiles allows the system's own files and the given paths only. On newer kernels the program also
// cannot signal a process outside the wall, nor connect to its abstract sockets.
func closeFiles(read, write []string) error {
	if version, err := abi.LandlockGetABIVersion(); err != nil || version < oldestLandlock {
		return fmt.Errorf("the kernel has no Landlock: use Linux 5.19 or newer, with `landlock` in lsm=")
	}
	rules := []landlock.Rule{
		landlock.RWFiles(devices...).WithIoctlDev().IgnoreIfMissing(),
		landlock.RWDirs(write...).WithRefer(),
	}
	for _, path := range append(existing(system), read...) {
		rule, err := reading(path)
		if err != nil {
			return err
		}
		rules = append(rules, rule)
	}
	strongest := landlock.V7.BestEffort()
	if err := strongest.RestrictScoped(); err != nil {
		return err
	}
	return strongest.RestrictPaths(rules...)
}

func existing(patterns []string) (found []string) {
	for _, pattern := range patterns {
		matches, _ := filepath.Glob(pattern)
		found = append(found, matches...)
	}
	return found
}

func reading(path string) (landlock.Rule, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return landlock.RODirs(path), nil
	}
	return landlock.ROFiles(path), nil
}
