Kind = "proxy-defaults"
Name = "global"

AccessLogs {
  Enabled = false # the services log each request themselves, with its id
}

Config {
  # A service that accepts a request and then says nothing is given up: the sidecar answers 504.
  local_request_timeout_ms = 15000
}

# Where its application is dead or breaks off, Envoy answers 503, in plain text. That would look like a
# 503 of the application's own, which must reach the client unchanged. So Envoy's becomes a 502, for
# which the gateway has a page (traefik/dynamic.yml). Only an answer that came from the application
# has the header with the time that it took.
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
