// Package edge answers by itself what need not, or cannot, reach a service. Traefik interprets it
// (docs/decisions/0033-edge-plugin.md), so it has the standard library only.
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

// Config is one middleware of this kind in traefik/dynamic.yml.
type Config struct {
	Methods          []string // other methods are refused with 405
	MaxBodyBytes     int64    // a longer body is refused with 413
	TimeLimitSeconds int      // for everything behind this middleware
	Answer           int      // if not 0: nothing goes further, and this status is the answer
	Detail           string   // of that answer
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

// answer says the same to every request.
type answer struct {
	status int
	detail string
}

func (a *answer) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	refuse(rw, req, a.status, a.detail)
}

// edge passes on whole requests with a known method and a path. A NUL in a path, which the sidecars
// refuse without a word, makes it none.
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
	// A client that hangs up, or says that it sends no more, does not end a request that may be half
	// done. Traefik would answer such a one with 499, or with an empty 200 where it has not begun.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(req.Context()), e.timeLimit)
	defer cancel()
	e.next.ServeHTTP(rw, req.WithContext(ctx))
	if ctx.Err() != nil {
		rw.WriteHeader(http.StatusGatewayTimeout) // without effect if an answer has begun
	}
}

// readBody reads the whole body, so that no service waits for one that never ends. It answers the
// request itself, and returns false, if there is no such body.
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
