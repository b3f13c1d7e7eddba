/** The least that answers `/health` by Elysia: what the target is compared with. */

import { Elysia } from "elysia";

new Elysia()
  .get("/health", () => ({ status: "ok" }))
  .listen({ hostname: "127.0.0.1", port: Number(process.env["PORT"]) });
