Kind = "proxy-defaults"
Name = "global"

AccessLogs {
  Enabled = false # the services log each request themselves, with its id
}

Config {
  # If a service does not answer a request in this time, the sidecar answers 504.
  local_request_timeout_ms = 15000

  # Each sidecar's own metrics, and nothing else of its administration. The jobs lead the port `sidecar` here.
  envoy_prometheus_bind_addr = "0.0.0.0:9102"
}

# If its application is dead or breaks the connection, Envoy answers 503 in plain text. A 503 of the
# application itself must reach the client unchanged. To tell them apart, Envoy's 503 becomes a 502, for
# which the gateway has a page (traefik/dynamic.yml). Only an answer of the application has the header
# with its duration.
EnvoyExtensions = [
  {
    Name = "builtin/lua"
    Arguments = {
      ProxyType = "connect-proxy"
      Listener  = "inbound"
      Script    = <<-LUA
        function envoy_on_response(handle)
          local headers = handle:headers()
          if headers:get(":status") == "503" and not headers:get("x-envoy-upstream-service-time") then
            headers:replace(":status", "502")
          end
        end
      LUA
    }
  },
]
