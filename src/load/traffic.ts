/** The requests of a load: ordinary use of the target's shop, the same in every run. Pure. */

export const ENDPOINTS = ["GET /api/items", "GET /api/items/:id", "POST /api/orders"] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

export interface TrafficRequest {
  readonly endpoint: Endpoint;
  readonly method: "GET" | "POST";
  readonly path: string;
  /** JSON. */
  readonly body?: string;
}

/** In ten requests seven lists, two items and one order, evenly spread. */
const MIX: readonly Endpoint[] = [
  "GET /api/items",
  "GET /api/items",
  "GET /api/items/:id",
  "GET /api/items",
  "GET /api/items",
  "POST /api/orders",
  "GET /api/items",
  "GET /api/items/:id",
  "GET /api/items",
  "GET /api/items",
];
/** The shop has items 1 to 20, and takes orders of up to 100 of one. */
const ITEM_COUNT = 20;
const MAX_ORDERED = 5;

/** @param turn how many of the same endpoint came before */
const BUILDERS = {
  "GET /api/items": () => ({ method: "GET", path: "/api/items" }),
  "GET /api/items/:id": (turn: number) => ({ method: "GET", path: `/api/items/${itemId(turn)}` }),
  "POST /api/orders": (turn: number) => {
    const order = { item_id: itemId(turn), quantity: 1 + (turn % MAX_ORDERED) };
    return { method: "POST", path: "/api/orders", body: JSON.stringify(order) };
  },
} as const satisfies Record<Endpoint, (turn: number) => Omit<TrafficRequest, "endpoint">>;

/** Built once: to send one of ten thousand a second must cost next to nothing. */
const CYCLE = buildCycle();

/** Request number `index` of a load, from 0. Repeats itself when every item has been ordered. */
export function requestAt(index: number): TrafficRequest {
  const request = CYCLE[index % CYCLE.length];
  if (request === undefined) throw new RangeError(`there is no request ${index}`);
  return request;
}

function buildCycle(): readonly TrafficRequest[] {
  const turns = new Map<Endpoint, number>();
  return Array.from({ length: ITEM_COUNT }, () => MIX).flatMap((mix) =>
    mix.map((endpoint) => {
      const turn = turns.get(endpoint) ?? 0;
      turns.set(endpoint, turn + 1);
      return { endpoint, ...BUILDERS[endpoint](turn) };
    }),
  );
}

function itemId(turn: number): number {
  return 1 + (turn % ITEM_COUNT);
}
