/** Ordinary traffic to break: a small shop whose orders wait for a payment provider. */

import { z } from "zod";
import type { EmitEvent } from "./events.ts";
import { pickDelayMs } from "./faults/latency.ts";
import { clientGone, HttpError } from "./http-error.ts";
import { delay } from "./waiting.ts";

interface Item {
  readonly id: number;
  readonly name: string;
  readonly price_cents: number;
  readonly stock: number;
}

type Order = Readonly<z.infer<ReturnType<typeof orderSchema>>>;

/** What an order gives; `id` is a UUID. */
interface PlacedOrder extends Order {
  readonly id: string;
  readonly total_cents: number;
  readonly status: "accepted";
}

/** The handlers; routes and the reading of bodies are the server's. Nothing is kept between two calls. */
interface Shop {
  /** All items, always the same. */
  listItems(): Response;
  /**
   * @param id as it stands in the path
   * @throws HttpError 404 naming `id`
   */
  getItem(id: string): Response;
  /**
   * Answers 201 with the `PlacedOrder` when the payment provider has answered.
   *
   * @throws HttpError 499 as soon as the signal aborts; no timer is left behind
   */
  placeOrder(order: Order, signal: AbortSignal): Promise<Response>;
}

interface ShopDependencies {
  readonly emit: EmitEvent;
  /** In [0, 1). */
  readonly random: () => number;
}

const MAX_QUANTITY = 100;
/** What the simulated payment provider takes to answer. */
const PAYMENT_MS = { min: 5, max: 20 } as const;

/** Name, price in cents, stock; ids count from 1. */
const STOCK: readonly (readonly [string, number, number])[] = [
  ["espresso cups, set of 4", 2400, 310],
  ["pour-over dripper", 1850, 420],
  ["paper filters, pack of 100", 650, 2600],
  ["gooseneck kettle", 6900, 140],
  ["hand grinder", 8900, 170],
  ["kitchen scale", 3450, 260],
  ["milk pitcher", 1990, 380],
  ["tamper, 58 mm", 2750, 220],
  ["knock box", 2290, 190],
  ["French press, 1 l", 3200, 330],
  ["moka pot, 3 cups", 2890, 290],
  ["cold brew bottle", 2490, 240],
  ["storage tin, 500 g", 1250, 510],
  ["measuring spoon", 490, 1400],
  ["cleaning brush", 590, 1250],
  ["descaler, 250 ml", 890, 980],
  ["house blend, 250 g", 950, 1800],
  ["house blend, 1 kg", 3150, 760],
  ["decaf, 250 g", 1050, 640],
  ["single origin, 250 g", 1390, 530],
];

export const ITEMS: readonly Item[] = STOCK.map(([name, price_cents, stock], index) => {
  return { id: index + 1, name, price_cents, stock };
});

let builtSchema: ReturnType<typeof buildOrderSchema> | undefined;

/** The body of an order. Built by the first call, so that a target that starts need not. */
export function orderSchema() {
  return (builtSchema ??= buildOrderSchema());
}

function buildOrderSchema() {
  const wholeNumber = (max: number) =>
    z.int().min(1).max(max).describe(`a whole number from 1 to ${max}`);
  return z.strictObject({
    item_id: wholeNumber(ITEMS.length),
    quantity: wholeNumber(MAX_QUANTITY),
  });
}

/** Builds the shop. Its list is text already: serving it is what throughput is measured on. */
export function createShop({ emit, random }: ShopDependencies): Shop {
  const json = { headers: { "content-type": "application/json" } };
  const list = JSON.stringify({ items: ITEMS });
  const byId = new Map(ITEMS.map((item) => [String(item.id), JSON.stringify(item)]));

  return {
    listItems: () => new Response(list, json),

    getItem(id) {
      const item = byId.get(id);
      if (item !== undefined) return new Response(item, json);
      const message = `no such item; id is a whole number from 1 to ${ITEMS.length}`;
      throw new HttpError(404, "not_found", message, { field: "id" });
    },

    async placeOrder({ item_id, quantity }, signal) {
      const priceCents = ITEMS[item_id - 1]?.price_cents;
      // The schema's range has no such item; a caller without the schema is to notice.
      if (priceCents === undefined) throw new RangeError(`there is no item ${item_id}`);
      await payment({ item_id, quantity }, signal);
      const id = crypto.randomUUID();
      const total_cents = priceCents * quantity;
      emit("info", "order_placed", { order_id: id, item_id, quantity, total_cents });
      const placed: PlacedOrder = { id, item_id, quantity, total_cents, status: "accepted" };
      return Response.json(placed, { status: 201 });
    },
  };

  async function payment(order: Order, signal: AbortSignal): Promise<void> {
    try {
      await delay(pickDelayMs(PAYMENT_MS.min, PAYMENT_MS.max, random), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      emit("warning", "order_cancelled", { ...order, reason: "client_gone" });
      throw clientGone();
    }
  }
}
