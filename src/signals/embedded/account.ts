/** How a store's room is shared, so that nobody who writes into it can take the others' part. */

/** What room is counted in. */
export interface Room {
  readonly series: number;
  readonly labelBytes: number;
}

const KINDS = ["series", "labelBytes"] as const satisfies readonly (keyof Room)[];

/** The part that is nobody's own: whoever needs more than what is kept for it takes it from here. */
export class Pool {
  readonly left: { -readonly [kind in keyof Room]: number };

  constructor(readonly room: Room) {
    this.left = { ...room };
  }

  /** Keeps a part for one writer, and takes it out of what all share. */
  reserve(part: Room): Account {
    const reserved = { series: 0, labelBytes: 0 };
    for (const kind of KINDS) {
      reserved[kind] = Math.min(Math.floor(part[kind]), this.left[kind]);
      this.left[kind] -= reserved[kind];
    }
    return new Account(this, reserved);
  }
}

/** What one writer uses: what is kept for it first, then of the pool. */
export class Account {
  readonly #used = { series: 0, labelBytes: 0 };

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

const NO_ROOM = { series: 0, labelBytes: 0 };

/** For the few series that Sentinel itself writes: there must be room to say that there is none. */
export const UNCOUNTED = new Pool({
  series: Number.POSITIVE_INFINITY,
  labelBytes: Number.POSITIVE_INFINITY,
}).reserve(NO_ROOM);
