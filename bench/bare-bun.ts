/** The least that answers by Bun alone: how fast any executable of this kind can be there. */

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env["PORT"]),
  fetch: () => Response.json({ status: "ok" }),
});
