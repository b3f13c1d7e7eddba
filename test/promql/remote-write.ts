/**
 * Prometheus' remote write 1.0, as much of it as a test needs.
 *
 * It is the one way to give a Prometheus a stale marker at a chosen time: OpenMetrics has no text
 * for one.
 *
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/
 */

import { isStaleAt } from "../../src/promql/series.ts";
import type { StoredSeries } from "../../src/promql/series.ts";

/** Of `WriteRequest`, `TimeSeries`, `Label` and `Sample`: number of the field and its wire type. */
const BYTES_1 = 0x0a;
const BYTES_2 = 0x12;
const DOUBLE_1 = 0x09;
const VARINT_2 = 0x10;

/** The NaN of Prometheus, which is not the stale one. */
const NORMAL_NAN = 0x7ff8000000000001n;
const STALE_NAN = 0x7ff0000000000002n;

const encoder = new TextEncoder();

/** The body of a request that writes these series, to be sent with `REMOTE_WRITE_HEADERS`. */
export function encodeRemoteWrite(series: readonly StoredSeries[]): Uint8Array<ArrayBuffer> {
  return snappy(Buffer.concat(series.map((one) => field(BYTES_1, encodeSeries(one)))));
}

export const REMOTE_WRITE_HEADERS = {
  "content-type": "application/x-protobuf",
  "content-encoding": "snappy",
  "x-prometheus-remote-write-version": "0.1.0",
} as const;

function encodeSeries({ labels, timestampsMs, values, start, end }: StoredSeries): Uint8Array {
  const parts = Object.entries(labels)
    .sort(([a], [b]) => Buffer.compare(encoder.encode(a), encoder.encode(b)))
    .map(([name, value]) =>
      field(
        BYTES_1,
        Buffer.concat([
          field(BYTES_1, encoder.encode(name)),
          field(BYTES_2, encoder.encode(value)),
        ]),
      ),
    );
  for (let index = start; index < end; index += 1) {
    const value = new DataView(new ArrayBuffer(9));
    value.setUint8(0, DOUBLE_1);
    const number = values[index] ?? Number.NaN;
    if (isStaleAt(values, index)) value.setBigUint64(1, STALE_NAN, true);
    else if (Number.isNaN(number)) value.setBigUint64(1, NORMAL_NAN, true);
    else value.setFloat64(1, number, true);
    const timestamp = Buffer.concat([Buffer.of(VARINT_2), varint(timestampsMs[index] ?? 0)]);
    parts.push(field(BYTES_2, Buffer.concat([new Uint8Array(value.buffer), timestamp])));
  }
  return Buffer.concat(parts);
}

function field(tag: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(tag), varint(bytes.length), bytes]);
}

/** @param value a whole number from 0 to 2^53 */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/**
 * Snappy's block format with the whole as one literal: nothing is compressed.
 *
 * @see https://github.com/google/snappy/blob/main/format_description.txt
 */
function snappy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const literal = new DataView(new ArrayBuffer(5));
  // A literal whose length less one follows in 4 bytes.
  literal.setUint8(0, 63 << 2);
  literal.setUint32(1, bytes.length - 1, true);
  return new Uint8Array(
    Buffer.concat([varint(bytes.length), new Uint8Array(literal.buffer), bytes]),
  );
}
