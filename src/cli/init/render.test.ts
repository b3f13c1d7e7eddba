import { expect, test } from "bun:test";
import { parse } from "yaml";
import type { Suggestion } from "./ask.ts";
import { renderFile, renderTable } from "./render.ts";

function suggestion(name: string, image = "nginx:1.27", project = ""): Suggestion {
  return {
    container: { name, image, project, composeService: "", hasHealthcheck: false, ports: [] },
    ...{ health: "container", healthWhy: "that it runs", metrics: "none", metricsWhy: "" },
  };
}

test.each(["web", "12", "1e3", "true", "NO", "null", "0x1", "a.b-c_d"])(
  "the name %s is read back as a text",
  (name) => {
    const text = renderFile([suggestion(name)], "2026-01-31");
    expect(parse(text)).toEqual({
      services: [{ name, health: "container", metrics: "none" }],
    });
  },
);

test("what an image is called is no more than a comment", () => {
  const image = "evil\n  - name: other\u2028\u001b[31m";
  const text = renderFile([suggestion("web", image)], "2026-01-31");
  expect(parse(text)).toEqual({
    services: [{ name: "web", health: "container", metrics: "none" }],
  });
  expect(text).not.toContain("\u001b");
  expect(renderTable([suggestion("web", image)]).join("\n")).not.toContain("\u001b");
});

test("projects stand together, and what has none comes last", () => {
  const found = [
    suggestion("a"),
    suggestion("b", "x", "shop"),
    suggestion("c", "x", "pay"),
    suggestion("d", "x", "shop"),
  ];
  const lines = renderFile(found, "2026-01-31").split("\n");
  expect(lines.filter((line) => /^ {2}(#|- )/.test(line))).toEqual([
    "  # Compose project pay",
    "  - name: c # image x",
    "  # Compose project shop",
    "  - name: b # image x",
    "  - name: d # image x",
    "  # Without Compose",
    "  - name: a # image nginx:1.27",
  ]);
});
