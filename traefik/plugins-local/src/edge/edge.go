// Package edge answers requests that need not, or cannot, reach a service. Traefik interprets it
// (docs/decisions/0033-edge-plugin.md), so it can use the standard library only.
package edge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// Config is the configuration of one such middleware in traefik/dynamic.yml.
type Config struct {
	Methods          []string // other methods are refused with 405
	MaxBodyBytes     int64    // a longer body is refused with 413
	TimeLimitSeconds int      // for everything behind this middleware
	Answer           int      // if not 0: the status of the answer to every request
	Detail           string   // the detail of that answer
}

// CreateConfig is called by Traefik.
func CreateConfig() *Config {
	return &Config{}
}

// New is called by Traefik.
func New(_ context.Context, next http.Handler, config *Config, _ string) (http.Handler, error) {
	if config.Answer != 0 {
		return &answer{config.Answer, config.Detail}, nil
	}
	known := map[string]bool{}
	for _, method := range config.Methods {
		known[method] = true
	}
	return &edge{
		next:         next,
		known:        known,
		allow:        strings.Join(config.Methods, ", "),
		maxBodyBytes: config.MaxBodyBytes,
		timeLimit:    time.Duration(config.TimeLimitSeconds) * time.Second,
	}, nil
}

// answer gives the same answer to every request.
type answer struct {
	status int
	detail string
}

func (a *answer) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	refuse(rw, req, a.status, a.detail)
}

// edge passes on complete requests with a known method and a valid path. A path with a NUL is not valid:
// the sidecars refuse it without an answer.
type edge struct {
	next         http.Handler
	known        map[string]bool
	allow        string
	maxBodyBytes int64
	timeLimit    time.Duration
}

func (e *edge) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	if !e.known[req.Method] {
		rw.Header().Set("Allow", e.allow)
		refuse(rw, req, http.StatusMethodNotAllowed, "No path takes this method.")
		return
	}
	path := req.URL.Path
	if !strings.HasPrefix(path, "/") || strings.IndexByte(path, 0) >= 0 {
		refuse(rw, req, http.StatusNotFound, "There is no such path.")
		return
	}
	if req.ContentLength != 0 && !e.readBody(rw, req) {
		return
	}
	// A client that closes its connection, or half-closes it, does not end a request that may be half
	// done. Otherwise Traefik answers 499, or an empty 200 if the answer has not begun.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(req.Context()), e.timeLimit)
	defer cancel()
	e.next.ServeHTTP(rw, req.WithContext(ctx))
	if ctx.Err() != nil {
		rw.WriteHeader(http.StatusGatewayTimeout) // without effect if an answer has begun
	}
}

// readBody reads the whole body, so that no service waits for an endless one. If the body is incomplete
// or too large, it answers the request itself and returns false.
func (e *edge) readBody(rw http.ResponseWriter, req *http.Request) bool {
	tooLarge := fmt.Sprintf("A request body may have at most %d bytes.", e.maxBodyBytes)
	if req.ContentLength > e.maxBodyBytes {
		refuse(rw, req, http.StatusRequestEntityTooLarge, tooLarge)
		return false
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, e.maxBodyBytes+1))
	switch {
	case int64(len(body)) > e.maxBodyBytes:
		refuse(rw, req, http.StatusRequestEntityTooLarge, tooLarge)
	case errors.Is(err, os.ErrDeadlineExceeded):
		refuse(rw, req, http.StatusRequestTimeout, "The request body took too long to arrive.")
	case err != nil:
		refuse(rw, req, http.StatusBadRequest, "The request body is cut off or its chunks are malformed.")
	default:
		req.Body = io.NopCloser(bytes.NewReader(body))
		req.ContentLength = int64(len(body))
		req.TransferEncoding = nil
		req.Trailer = nil
		return true
	}
	return false
}
