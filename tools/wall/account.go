package main

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// become gives up root permanently: one user, one group, no capability, and no set-user-ID program can
// give a privilege back.
func become(name string) error {
	uid, gid, err := lookUp(name)
	if err != nil {
		return err
	}
	for capability := uintptr(0); ; capability++ {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0)
		if err == unix.EINVAL {
			break // the kernel has no more capabilities
		}
		if err != nil {
			return fmt.Errorf("it must be started as root: %w", err)
		}
	}
	if err := syscall.Setgroups(nil); err != nil {
		return fmt.Errorf("setgroups: %w", err)
	}
	if err := syscall.Setresgid(gid, gid, gid); err != nil {
		return fmt.Errorf("setresgid: %w", err)
	}
	if err := syscall.Setresuid(uid, uid, uid); err != nil {
		return fmt.Errorf("setresuid: %w", err)
	}
	// The change of user has emptied all capability sets but the inheritable one.
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("capset: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	return nil
}

// closeToOthers lets root write in a folder, the user read in it, and nobody else enter it.
func closeToOthers(path, name string) error {
	_, gid, err := lookUp(name)
	if err != nil {
		return err
	}
	folder, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return fmt.Errorf("--private: %w", err)
	}
	defer folder.Close()
	if err := folder.Chown(0, gid); err != nil {
		return fmt.Errorf("--private: %w", err)
	}
	return folder.Chmod(0o750)
}

func lookUp(name string) (uid, gid int, err error) {
	found, err := user.Lookup(name)
	if err != nil {
		return 0, 0, fmt.Errorf("--user %q: %w", name, err)
	}
	uid, _ = strconv.Atoi(found.Uid)
	gid, _ = strconv.Atoi(found.Gid)
	if uid == 0 || gid == 0 {
		return 0, 0, fmt.Errorf("--user %s: the wall cannot limit root", name)
	}
	return uid, gid, nil
}
