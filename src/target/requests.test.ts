import { describe, expect, test } from "bun:test";
import { pathOf, queryOf, routeOf, routeTable } from "./requests.ts";

describe("the template of a path", () => {
  const table = routeTable(["/", "/health", "/faults", "/faults/:id", "/api/items/:id"]);

  test.each([
    ["/", "/"],
    ["/health", "/health"],
    ["/health/", "/health"],
    ["/faults", "/faults"],
    ["/faults/", "/faults"],
    ["/faults/cpu-1", "/faults/:id"],
    ["/faults/cpu-1/", "/faults/:id"],
    ["/api/items/%ZZ", "/api/items/:id"],
    ["/faults/:id", "/faults/:id"],
  ])("%s is %s", (path, template) => {
    expect(routeOf(path, table)).toBe(template);
  });

  test.each([
    "/healthy",
    "/health//",
    "//health",
    "/HEALTH",
    "/faults//",
    "/faults/a/b",
    "/api/items",
    "/api/items/",
    "/api/:id",
    "",
    "//",
  ])("%s has none", (path) => {
    expect(routeOf(path, table)).toBe("unmatched");
  });
});

describe("a URL", () => {
  test.each([
    ["http://localhost:8000/a/b?c=/d?e", "/a/b", "c=/d?e"],
    ["http://a/", "/", ""],
    ["http://a", "/", ""],
    ["http://a/x?", "/x", ""],
  ])("%s has the path %s and the query %s", (url, path, query) => {
    expect({ path: pathOf(url), query: queryOf(url) }).toEqual({ path, query });
  });
});
