/** A small HTTP service for Node, with prom-client's own metrics at /metrics if METRICS is on. */

import { createServer } from "node:http";
import { collectDefaultMetrics, Counter, register } from "prom-client";

const hasMetrics = process.env["METRICS"] === "on";
collectDefaultMetrics();
const requests = new Counter({
  name: "http_requests_total",
  help: "Requests answered.",
  labelNames: ["method", "status"],
});

createServer(async (request, response) => {
  if (request.url === "/metrics") {
    response.writeHead(hasMetrics ? 200 : 404, { "content-type": register.contentType });
    response.end(hasMetrics ? await register.metrics() : "not found\n");
    return;
  }
  requests.inc({ method: "GET", status: "200" });
  response.writeHead(200, { "content-type": "text/plain" });
  response.end("well\n");
}).listen(8080);
