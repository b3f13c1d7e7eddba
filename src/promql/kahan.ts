/** Sums that lose no small terms, by Kahan's method as Neumaier improved it. */

/**
 * A sum, and the part of it that its last bits could not hold. The value is `sum + compensation`,
 * added only at the end.
 *
 * @see https://en.wikipedia.org/wiki/Kahan_summation_algorithm#Further_enhancements
 */
export class KahanSum {
  sum = 0;
  compensation = 0;

  add(term: number): void {
    const { sum } = this;
    const next = sum + term;
    if (next === Number.POSITIVE_INFINITY || next === Number.NEGATIVE_INFINITY)
      this.compensation = 0;
    else if (Math.abs(sum) >= Math.abs(term)) this.compensation += sum - next + term;
    else this.compensation += term - next + sum;
    this.sum = next;
  }

  value(): number {
    return this.sum + this.compensation;
  }
}

/**
 * A mean, by way of the sum for as long as that is finite, and incrementally from then on.
 *
 * @see https://github.com/prometheus/prometheus/blob/v3.5.0/promql/functions.go (avg_over_time)
 */
export class KahanMean {
  private count = 0;
  private isIncremental = false;
  private readonly total = new KahanSum();

  add(value: number): void {
    const { total } = this;
    this.count += 1;
    const { count } = this;
    if (count === 1) {
      total.sum = value;
      return;
    }
    if (!this.isIncremental) {
      const { sum, compensation } = total;
      total.add(value);
      if (Math.abs(total.sum) !== Number.POSITIVE_INFINITY) return;
      this.isIncremental = true;
      total.sum = sum / (count - 1);
      total.compensation = compensation / (count - 1);
    }
    const share = (count - 1) / count;
    total.sum *= share;
    total.compensation *= share;
    total.add(value / count);
  }

  value(): number {
    const { sum, compensation } = this.total;
    if (this.isIncremental) return sum + compensation;
    return sum / this.count + compensation / this.count;
  }
}
