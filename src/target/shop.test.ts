import { describe, expect, spyOn, test } from "bun:test";
import { HttpError } from "./http-error.ts";
import { createShop, ITEMS, orderSchema } from "./shop.ts";

function openShop(random = () => 0) {
  const events: [level: string, event: string, fields: Readonly<Record<string, unknown>>][] = [];
  const shop = createShop({ emit: (...event) => events.push(event), random });
  return { shop, events };
}

const STAYS = new AbortController().signal;
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

describe("the items", () => {
  test("are numbered from 1, with a name, a price and a stock that any order can be met from", () => {
    expect(ITEMS.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(new Set(ITEMS.map(({ name }) => name)).size).toBe(ITEMS.length);
    for (const { price_cents, stock } of ITEMS) {
      expect(price_cents).toBeGreaterThan(0);
      expect(stock).toBeGreaterThanOrEqual(100);
    }
  });

  test("are listed as JSON, the same to everybody", async () => {
    const { shop } = openShop();
    for (const answer of [shop.listItems(), shop.listItems()]) {
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-type")).toBe("application/json");
      expect(await answer.json()).toEqual({ items: [...ITEMS] });
    }
  });

  test.each(["1", "20"])("item %s is found", async (id) => {
    const answer = openShop().shop.getItem(id);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ ...ITEMS[Number(id) - 1] });
  });

  test.each(["0", "21", "-1", "01", "1.0", "1e0", " 1", "", "abc", "constructor"])(
    "item %j is a 404 that names the field and what there is",
    async (id) => {
      const { shop } = openShop();
      expect(() => shop.getItem(id)).toThrow(HttpError);
      const answer = await failureOf(async () => shop.getItem(id));
      expect(answer.status).toBe(404);
      expect(await answer.json()).toEqual({
        error: "not_found",
        message: "no such item; id is a whole number from 1 to 20",
        field: "id",
      });
    },
  );
});

describe("an order", () => {
  test("is accepted with its total, and logged", async () => {
    const { shop, events } = openShop();
    const answer = await shop.placeOrder({ item_id: 2, quantity: 3 }, STAYS);
    expect(answer.status).toBe(201);
    const { id, ...rest } = await answer.json();
    expect(id).toMatch(UUID);
    expect(rest).toEqual({ item_id: 2, quantity: 3, total_cents: 5550, status: "accepted" });
    const fields = { order_id: id, item_id: 2, quantity: 3, total_cents: 5550 };
    expect(events).toEqual([["info", "order_placed", fields]]);
  });

  test("has an id of its own", async () => {
    const { shop } = openShop();
    const order = { item_id: 1, quantity: 1 };
    const place = async () => (await (await shop.placeOrder(order, STAYS)).json()).id;
    expect(new Set(await Promise.all(Array.from({ length: 50 }, place))).size).toBe(50);
  });

  test.each([
    [0, 5],
    [1 - Number.EPSILON, 20],
  ])("waits for the payment provider: with %d of the spread, %d ms", async (share, paymentMs) => {
    const { shop } = openShop(() => share);
    const fromMs = performance.now();
    await shop.placeOrder({ item_id: 1, quantity: 1 }, STAYS);
    // A timer counts in whole milliseconds.
    expect(performance.now() - fromMs).toBeGreaterThanOrEqual(paymentMs - 1);
  });

  test("of a client that leaves is cancelled at once, and said to be", async () => {
    const { shop, events } = openShop(() => 0.99);
    const client = new AbortController();
    const placing = failureOf(() => shop.placeOrder({ item_id: 1, quantity: 2 }, client.signal));
    client.abort();
    expect((await placing).status).toBe(499);
    const fields = { item_id: 1, quantity: 2, reason: "client_gone" };
    expect(events).toEqual([["warning", "order_cancelled", fields]]);
  });

  test("of a client that has left already does not wait at all", async () => {
    const { shop, events } = openShop();
    const placing = () => shop.placeOrder({ item_id: 1, quantity: 1 }, AbortSignal.abort());
    expect((await failureOf(placing)).status).toBe(499);
    expect(events.map(([, event]) => event)).toEqual(["order_cancelled"]);
  });

  test("leaves no listener on the signal, which may outlive it", async () => {
    const { signal } = new AbortController();
    const added = spyOn(signal, "addEventListener");
    const removed = spyOn(signal, "removeEventListener");
    await openShop().shop.placeOrder({ item_id: 1, quantity: 1 }, signal);
    expect(added.mock.calls.length).toBeGreaterThan(0);
    expect(removed.mock.calls.map(([, listener]) => listener)).toEqual(
      added.mock.calls.map(([, listener]) => listener),
    );
  });
});

describe("the schema of an order", () => {
  test.each([[{ item_id: 1, quantity: 1 }], [{ item_id: 20, quantity: 100 }]])(
    "accepts %j",
    (order) => {
      expect(orderSchema().parse(order)).toEqual(order);
    },
  );

  test.each<[unknown, string | undefined]>([
    [{ item_id: 0, quantity: 1 }, "item_id"],
    [{ item_id: 21, quantity: 1 }, "item_id"],
    [{ item_id: 1.5, quantity: 1 }, "item_id"],
    [{ item_id: "1", quantity: 1 }, "item_id"],
    [{ item_id: null, quantity: 1 }, "item_id"],
    [{ item_id: Number.NaN, quantity: 1 }, "item_id"],
    [{ quantity: 1 }, "item_id"],
    [{ item_id: 1, quantity: 0 }, "quantity"],
    [{ item_id: 1, quantity: 101 }, "quantity"],
    [{ item_id: 1, quantity: 1e300 }, "quantity"],
    [{ item_id: 1, quantity: [1] }, "quantity"],
    [{ item_id: 1 }, "quantity"],
    [{ item_id: 1, quantity: 1, coupon: "x" }, undefined],
    [[], undefined],
    [null, undefined],
  ])("refuses %j", (order, field) => {
    const [issue] = orderSchema().safeParse(order).error?.issues ?? [];
    expect(issue).toBeDefined();
    expect(issue?.path[0]).toBe(field as string);
  });

  test("says of each field what it must be", () => {
    const { item_id, quantity } = orderSchema().shape;
    expect(item_id.description).toBe("a whole number from 1 to 20");
    expect(quantity.description).toBe("a whole number from 1 to 100");
  });
});

async function failureOf(handle: () => Promise<Response>): Promise<Response> {
  try {
    await handle();
  } catch (error) {
    if (error instanceof HttpError) return error.toResponse();
    throw error;
  }
  throw new Error("it was answered");
}
