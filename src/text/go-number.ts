/** Numbers as Go writes them, which is how Prometheus does: in labels, and in the texts of alerts. */

/** The digits of a number without its sign: 0.d1d2d3... times ten to the power of `point`. */
interface Decimal {
  readonly digits: string;
  readonly point: number;
}

/** How an exponent of ten is chosen over plain digits where the shortest form is wanted. */
const SHORTEST_PRECISION = 6;
const LEAST_EXPONENT = -4;

/**
 * Go's `%g`, and `%v`: at most so many significant digits, without trailing zeros.
 *
 * @param precision `undefined` takes as many as tell the number from its neighbours
 */
export function formatG(value: number, precision?: number): string {
  const special = specialOf(value);
  if (special !== undefined) return special;
  const wanted = precision === 0 ? 1 : precision;
  const exact = wanted === undefined ? shortest(value) : rounded(exactly(value), wanted);
  const decimal = withoutZeros(exact);
  const { digits, point } = decimal;
  const exponent = point - 1;
  const limit =
    wanted === undefined
      ? SHORTEST_PRECISION
      : wanted > digits.length && digits.length >= point
        ? digits.length
        : wanted;
  const isWide = exponent < LEAST_EXPONENT || exponent >= limit;
  const written = isWide
    ? scientific(decimal, digits.length - 1)
    : plain(decimal, Math.max(digits.length - point, 0));
  return signOf(value) + written;
}

/** Go's `%f`: so many digits after the point, 6 without it. */
export function formatF(value: number, precision = 6): string {
  const special = specialOf(value);
  if (special !== undefined) return special;
  const exact = exactly(value);
  return signOf(value) + plain(rounded(exact, exact.point + precision), precision);
}

/** Go's `%e`: one digit before the point and so many after it, 6 without it. */
export function formatE(value: number, precision = 6): string {
  const special = specialOf(value);
  if (special !== undefined) return special;
  return signOf(value) + scientific(rounded(exactly(value), precision + 1), precision);
}

/**
 * A number as OpenMetrics has it in the labels `le` and `quantile`: with a point or an exponent.
 *
 * @see https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
 */
export function formatBound(value: number): string {
  const text = formatG(value);
  return /[.eIN]/.test(text) ? text : `${text}.0`;
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const HEXADECIMAL = /^([+-]?)0[xX]([\da-fA-F]*)\.?([\da-fA-F]*)[pP]([+-]?\d+)$/;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/**
 * A number as Go's `ParseFloat` reads it.
 *
 * @returns `undefined` if it is none, or greater than any
 */
export function parseGoFloat(text: string): number | undefined {
  if (DECIMAL.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  if (/^[+-]?nan$/i.test(text)) return Number.NaN;
  const infinite = INFINITE.exec(text);
  if (infinite !== null) return infinite[1] === "-" ? -Infinity : Infinity;
  const [, sign, whole = "", fraction = "", power = ""] = HEXADECIMAL.exec(text) ?? [];
  if (sign === undefined || whole + fraction === "" || whole.length + fraction.length > 13)
    return undefined;
  const magnitude =
    Number.parseInt(whole + fraction, 16) * 2 ** (Number(power) - 4 * fraction.length);
  if (!Number.isFinite(magnitude)) return undefined;
  return sign === "-" ? -magnitude : magnitude;
}

function specialOf(value: number): string | undefined {
  if (Number.isNaN(value)) return "NaN";
  if (Number.isFinite(value)) return undefined;
  return value > 0 ? "+Inf" : "-Inf";
}

function signOf(value: number): string {
  return value < 0 || Object.is(value, -0) ? "-" : "";
}

/** The fewest digits that are read as the same number again. */
function shortest(value: number): Decimal {
  const [mantissa = "", exponent = "0"] = Math.abs(value).toExponential().split("e");
  return { digits: mantissa.replace(".", ""), point: Number(exponent) + 1 };
}

/** All digits that the number has: JavaScript rounds a half up, and Go to the even digit. */
function exactly(value: number): Decimal {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, Math.abs(value));
  const word = bits.getBigUint64(0);
  const biased = Number(word >> 52n);
  const fraction = word & ((1n << 52n) - 1n);
  const mantissa = biased === 0 ? fraction : fraction | (1n << 52n);
  const power = Math.max(biased, 1) - 1075;
  if (mantissa === 0n) return { digits: "0", point: 1 };
  const digits =
    power >= 0
      ? (mantissa << BigInt(power)).toString()
      : (mantissa * 5n ** BigInt(-power)).toString();
  return { digits, point: digits.length + Math.min(power, 0) };
}

/** To so many digits; a half goes to the even one. Fewer than one may be left of a small number. */
function rounded({ digits, point }: Decimal, count: number): Decimal {
  if (count >= digits.length) return { digits, point };
  if (count < 0) return { digits: "0", point: 1 };
  const kept = digits.slice(0, count);
  const rest = digits.slice(count);
  const isHalf = /^50*$/.test(rest);
  const isOdd = Number(kept.at(-1) ?? "0") % 2 === 1;
  const isUp = isHalf ? isOdd : rest >= "5";
  if (!isUp) return kept === "" ? { digits: "0", point: 1 } : { digits: kept, point };
  const raised = (BigInt(kept === "" ? "0" : kept) + 1n).toString();
  // It may have become one longer: 99 is 100.
  return { digits: raised, point: point + raised.length - kept.length };
}

function withoutZeros({ digits, point }: Decimal): Decimal {
  const short = digits.replace(/0+$/, "");
  return short === "" ? { digits: "0", point: 1 } : { digits: short, point };
}

function plain({ digits, point }: Decimal, decimals: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, "0") : "0";
  if (decimals === 0) return whole;
  const fraction = point > 0 ? digits.slice(point) : "0".repeat(-point) + digits;
  return `${whole}.${fraction.slice(0, decimals).padEnd(decimals, "0")}`;
}

function scientific({ digits, point }: Decimal, decimals: number): string {
  const exponent = digits === "0" ? 0 : point - 1;
  const fraction = digits.slice(1).padEnd(decimals, "0");
  const power = String(Math.abs(exponent)).padStart(2, "0");
  return `${digits[0]}${decimals > 0 ? `.${fraction}` : ""}e${exponent < 0 ? "-" : "+"}${power}`;
}
