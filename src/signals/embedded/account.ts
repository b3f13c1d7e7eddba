/** How a store's room is shared, so that no writer can take the others' part. */

/** An amount of room, by what it is counted in. */
export interface Room {
  readonly series: number;
  readonly labelBytes: number;
  /** Of samples that are kept for longer than those of other series. */
  readonly historyBytes: number;
}

const KINDS = ["series", "labelBytes", "historyBytes"] as const satisfies readonly (keyof Room)[];

export const NO_ROOM = { series: 0, labelBytes: 0, historyBytes: 0 };

/** The shared part: a writer that needs more than what is reserved for it takes it from here. */
export class Pool {
  readonly left: { -readonly [kind in keyof Room]: number };

  constructor(readonly room: Room) {
    this.left = { ...room };
  }

  /** Keeps a part for one writer, and takes it out of what all share. */
  reserve(part: Room): Account {
    const reserved = { ...NO_ROOM };
    for (const kind of KINDS) {
      reserved[kind] = Math.min(Math.floor(part[kind]), this.left[kind]);
      this.left[kind] -= reserved[kind];
    }
    return new Account(this, reserved);
  }
}

/** What one writer uses: first what is reserved for it, then a part of the pool. */
export class Account {
  readonly #used = { ...NO_ROOM };

  constructor(
    readonly pool: Pool,
    readonly reserved: Room,
  ) {}

  /** @returns false, and nothing is taken, if there is not so much room */
  take(amount: Room): boolean {
    if (!KINDS.every((kind) => this.#fromPool(kind, amount[kind]) <= this.pool.left[kind]))
      return false;
    for (const kind of KINDS) {
      this.pool.left[kind] -= this.#fromPool(kind, amount[kind]);
      this.#used[kind] += amount[kind];
    }
    return true;
  }

  giveBack(amount: Room): void {
    for (const kind of KINDS) {
      this.#used[kind] -= amount[kind];
      this.pool.left[kind] += this.#fromPool(kind, amount[kind]);
    }
  }

  /** How much of an amount beyond what is used would not be its own. */
  #fromPool(kind: keyof Room, amount: number): number {
    const own = Math.max(this.reserved[kind] - this.#used[kind], 0);
    return Math.max(amount - own, 0);
  }
}

/** The account of the few series that Sentinel itself writes, such as the one that says that there is no room. */
export const UNCOUNTED = new Pool({
  series: Number.POSITIVE_INFINITY,
  labelBytes: Number.POSITIVE_INFINITY,
  historyBytes: Number.POSITIVE_INFINITY,
}).reserve(NO_ROOM);
