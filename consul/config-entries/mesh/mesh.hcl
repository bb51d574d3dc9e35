Kind = "mesh"

HTTP {
  # By default each sidecar writes the caller's certificate and its whole chain into a header of every
  # request, and rewrites it with regular expressions. No service reads that header: intentions look at
  # the certificate itself. Without it a request costs its sidecar about a third less
  # (docs/decisions/0040-sidecars-do-no-more.md).
  SanitizeXForwardedClientCert = true
}
