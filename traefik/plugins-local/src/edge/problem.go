package edge

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// The same as in the services (servicekit/request_id.py).
var wellFormed = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// RFC 9110 names this one differently from net/http.
var renamed = map[int]string{http.StatusRequestEntityTooLarge: "Content Too Large"}

// problem is the body of an error (RFC 9457), the same as in the services (servicekit/problems.py).
type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	Instance  string `json:"instance"`
	RequestID string `json:"request_id"`
}

// refuse answers with a problem.
func refuse(rw http.ResponseWriter, req *http.Request, status int, detail string) {
	title := renamed[status]
	if title == "" {
		title = http.StatusText(status)
	}
	id := requestID(req)
	body, _ := json.Marshal(problem{
		Type:      "/problems/" + strings.ReplaceAll(strings.ToLower(title), " ", "-"),
		Title:     title,
		Status:    status,
		Detail:    detail,
		Instance:  req.URL.EscapedPath(),
		RequestID: id,
	})
	header := rw.Header()
	header.Set("Content-Type", "application/problem+json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Request-ID", id)
	if status == http.StatusServiceUnavailable {
		header.Set("Retry-After", "1")
	}
	rw.WriteHeader(status)
	_, _ = rw.Write(body)
}

// requestID is the caller's if it is well-formed, or a new one.
func requestID(req *http.Request) string {
	if given := req.Header.Get("X-Request-ID"); wellFormed.MatchString(given) {
		return given
	}
	random := make([]byte, 16)
	_, _ = rand.Read(random)
	return hex.EncodeToString(random)
}
