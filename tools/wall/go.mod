module tasktracker.local/tools/wall

go 1.25.8

require (
	github.com/landlock-lsm/go-landlock v0.9.0
	golang.org/x/net v0.48.0
	golang.org/x/sys v0.40.0
)

require kernel.org/pub/linux/libs/security/libcap/psx v1.2.77 // indirect
