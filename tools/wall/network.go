package main

import (
	"fmt"
	"os"
	"strconv"
)

// This is a setting of the network namespace of the reading process, not of the machine.
const retriesFile = "/proc/sys/net/ipv4/tcp_retries2"

// limitRetries lets every connection of this network break soon after the other machine has vanished. By
// default the kernel sends unanswered data again for 15 minutes, and so long a client waits whose sidecar
// holds the connection. Three retries are three seconds.
func (w wall) limitRetries() error {
	if w.retries == 0 {
		return nil
	}
	if err := os.WriteFile(retriesFile, []byte(strconv.Itoa(w.retries)), 0); err != nil {
		return fmt.Errorf("--retries %d: %w", w.retries, err)
	}
	return nil
}
