# After `observe`: Consul's page shows figures of the mesh. The browser gets them through the agent, which passes on
# two calls that only read. They need the right to read all nodes and services, which anonymous callers have.

ui_config {
  metrics_provider = "prometheus"

  metrics_proxy {
    base_url       = "http://127.0.0.1:8428"
    path_allowlist = ["/api/v1/query", "/api/v1/query_range"]
  }
}
