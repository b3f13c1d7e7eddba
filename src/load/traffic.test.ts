import { describe, expect, test } from "bun:test";
import { type Endpoint, ENDPOINTS, requestAt } from "./traffic.ts";

const first = Array.from({ length: 400 }, (_, index) => requestAt(index));

function count(requests: typeof first): Record<string, number> {
  return Object.fromEntries(
    ENDPOINTS.map((endpoint) => [endpoint, requests.filter((r) => r.endpoint === endpoint).length]),
  );
}

function pathsOf(endpoint: Endpoint): string[] {
  return first.filter((request) => request.endpoint === endpoint).map(({ path }) => path);
}

describe("the traffic", () => {
  test("is 70 % lists, 20 % items and 10 % orders, in any ten requests in a row", () => {
    for (let from = 0; from <= first.length - 10; from += 1) {
      expect(count(first.slice(from, from + 10))).toEqual({
        "GET /api/items": 7,
        "GET /api/items/:id": 2,
        "POST /api/orders": 1,
      });
    }
  });

  test("asks for every item, and never for the same one twice in a row", () => {
    const paths = pathsOf("GET /api/items/:id");
    const all = Array.from({ length: 20 }, (_, index) => `/api/items/${index + 1}`);
    expect(new Set(paths)).toEqual(new Set(all));
    expect(paths.filter((path, index) => path === paths[index + 1])).toEqual([]);
  });

  test("orders every item, from one to five of each", () => {
    const orders = first.flatMap(({ body }) => (body === undefined ? [] : [JSON.parse(body)]));
    expect(orders.slice(0, 2)).toEqual([
      { item_id: 1, quantity: 1 },
      { item_id: 2, quantity: 2 },
    ]);
    expect(new Set(orders.map(({ item_id }) => item_id)).size).toBe(20);
    expect(new Set(orders.map(({ quantity }) => quantity))).toEqual(new Set([1, 2, 3, 4, 5]));
  });

  test("is the same in every run, however long", () => {
    expect(requestAt(36_000_003)).toEqual(requestAt(3));
    expect(requestAt(2)).toEqual({
      endpoint: "GET /api/items/:id",
      method: "GET",
      path: "/api/items/1",
    });
  });
});
