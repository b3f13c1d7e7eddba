/** What passes between the main thread, which has the samples, and the one that evaluates. */

import type { Asked, QueryBounds } from "../prometheus-api/endpoint.ts";

/** Which samples a question needs of some series. */
export interface Need {
  readonly ids: Uint32Array<ArrayBuffer>;
  readonly fromMs: number;
  readonly toMs: number;
  /** `all` in between; the `last` there is; or the `ends`, the oldest and the newest of all times. */
  readonly which: "all" | "last" | "ends";
}

/** Samples of series, one after the other: those of `ids[i]` end before `ends[i]`. */
export interface Samples {
  readonly ids: Uint32Array<ArrayBuffer>;
  readonly ends: Uint32Array<ArrayBuffer>;
  readonly timestampsMs: Float64Array<ArrayBuffer>;
  /** With stale markers, bit by bit. */
  readonly values: Float64Array<ArrayBuffer>;
}

export type ToThread =
  | { readonly kind: "begin"; readonly bounds: QueryBounds }
  /** Labels as JSON, by the series' numbers. */
  | {
      readonly kind: "series";
      readonly added: readonly (readonly [id: number, labels: string])[];
      readonly removed: readonly number[];
    }
  | { readonly kind: "ask"; readonly asked: Asked }
  | { readonly kind: "samples"; readonly samples: Samples };

export type FromThread =
  | { readonly kind: "need"; readonly needs: readonly Need[] }
  | {
      readonly kind: "reply";
      readonly status: number;
      readonly body: Uint8Array<ArrayBuffer>;
    };
