package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/landlock-lsm/go-landlock/landlock"
	abi "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// The first version of Landlock (Linux 5.19) that lets files be renamed between folders.
const oldestLandlock = 2

var (
	// What programs need of a Linux system, none of it a secret. What is missing here is not needed.
	system = []string{
		"/bin", "/lib", "/lib64", "/usr",
		"/etc/alternatives", "/etc/gai.conf", "/etc/group", "/etc/host.conf", "/etc/hosts",
		"/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/etc/nsswitch.conf", "/etc/passwd",
		"/etc/protocols", "/etc/python3*", "/etc/resolv.conf", "/etc/services", "/etc/ssl/certs",
		"/etc/ssl/openssl.cnf", "/etc/timezone",
		// Of a process of another user, or beyond the wall, the kernel shows neither memory nor environment.
		"/proc", "/sys/devices/system/cpu", "/sys/kernel/mm/transparent_hugepage",
	}
	devices = []string{"/dev/full", "/dev/null", "/dev/random", "/dev/tty", "/dev/urandom", "/dev/zero"}
)

// closeFiles leaves the system's own files and the paths given. Newer kernels also keep the program
// from signalling a process beyond the wall, and from that one's abstract sockets.
func closeFiles(read, write []string) error {
	if version, err := abi.LandlockGetABIVersion(); err != nil || version < oldestLandlock {
		return fmt.Errorf("needs Landlock in the kernel: Linux 5.19 or newer, and `landlock` among its lsm=")
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
