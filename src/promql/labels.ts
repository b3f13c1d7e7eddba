/** Label sets: their identity, and what of them remains after an operation. */

import type { Labels } from "../core/model.ts";
import { PromqlError } from "./errors.ts";

export const METRIC_NAME = "__name__";

export const NO_LABELS: Labels = {};

/** A lone surrogate, which no text that came as UTF-8 can hold. */
const SEPARATOR = "\udfff";

/** The empty text for a label that is not there, as in Prometheus. */
export function labelOf(labels: Labels, name: string): string {
  return Object.hasOwn(labels, name) ? (labels[name] ?? "") : "";
}

/** Names and values in the order of names; a label of empty value is none. */
function entriesOf(labels: Labels): [string, string][] {
  return Object.entries(labels)
    .filter(([, value]) => value !== "")
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

const keys = new WeakMap<Labels, string>();

/** One text for each label set, whatever the order of its labels. */
export function labelsKey(labels: Labels): string {
  const known = keys.get(labels);
  if (known !== undefined) return known;
  const key = entriesOf(labels).flat().join(SEPARATOR);
  keys.set(labels, key);
  return key;
}

const nameless = new WeakMap<Labels, Labels>();

/** The same object for the same labels, so that what is remembered of it holds from query to query. */
export function withoutName(labels: Labels): Labels {
  if (!Object.hasOwn(labels, METRIC_NAME)) return labels;
  const known = nameless.get(labels);
  if (known !== undefined) return known;
  const { [METRIC_NAME]: _, ...rest } = labels;
  nameless.set(labels, rest);
  return rest;
}

/** The labels with one set, or, by the empty value, removed. */
export function withLabel(labels: Labels, name: string, value: string): Labels {
  if (value !== "") return Object.fromEntries([...Object.entries(labels), [name, value]]);
  return Object.fromEntries(Object.entries(labels).filter(([other]) => other !== name));
}

/** As Prometheus writes a label set in its messages: `{__name__="up", job="api"}`. */
export function formatLabels(labels: Labels): string {
  const parts = entriesOf(labels).map(([name, value]) => {
    const isPlain = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name);
    return `${isPlain ? name : JSON.stringify(name)}=${JSON.stringify(value)}`;
  });
  return `{${parts.join(", ")}}`;
}

/** The part of a label set that a grouping or a matching looks at. */
export class Projection {
  private readonly names: ReadonlySet<string>;
  private readonly signatures = new WeakMap<Labels, string>();
  private readonly projected = new WeakMap<Labels, Labels>();

  /** @param keep the names that remain, or, if false, those that do not */
  constructor(
    private readonly keep: boolean,
    names: readonly string[],
  ) {
    this.names = new Set(names);
  }

  /** Equal for label sets that agree on the part. */
  signature(labels: Labels): string {
    const known = this.signatures.get(labels);
    if (known !== undefined) return known;
    const signature = labelsKey(this.apply(labels));
    this.signatures.set(labels, signature);
    return signature;
  }

  apply(labels: Labels): Labels {
    const known = this.projected.get(labels);
    if (known !== undefined) return known;
    const part = Object.fromEntries(
      Object.entries(labels).filter(
        ([name, value]) => value !== "" && this.names.has(name) === this.keep,
      ),
    );
    this.projected.set(labels, part);
    return part;
  }
}

const projections = new WeakMap<object, Projection>();

/** The projection that belongs to a node of an expression, made once: it remembers each series. */
export function projectionOf(node: object, make: () => Projection): Projection {
  const known = projections.get(node);
  if (known !== undefined) return known;
  const made = make();
  projections.set(node, made);
  return made;
}

/** @throws PromqlError `execution` if two label sets are equal */
export function refuseDuplicates(labels: readonly Labels[]): void {
  if (new Set(labels.map(labelsKey)).size < labels.length) throw duplicateLabelset();
}

function duplicateLabelset(): PromqlError {
  return new PromqlError("execution", "vector cannot contain metrics with the same labelset");
}

/** Whether all have the same name, or none: then they differ without their names, too. */
export function shareName(labels: readonly Labels[]): boolean {
  const name = labels[0]?.[METRIC_NAME];
  return labels.every((one) => one[METRIC_NAME] === name);
}

/** @throws PromqlError `execution` if two of them differ by their names alone */
export function withoutNames(labels: readonly Labels[]): Labels[] {
  const remaining = labels.map(withoutName);
  if (!shareName(labels)) refuseDuplicates(remaining);
  return remaining;
}

/**
 * Changes labels at every step of a query. Series that it makes equal are refused even if they never
 * meet at one step, as they would be one series of the result.
 */
export class Relabeler {
  /** By the labels after the change, those before it. */
  private readonly owners = new Map<string, string>();
  /** Most steps see the series of the step before. */
  private readonly changed = new WeakMap<Labels, Labels>();

  constructor(private readonly change: (labels: Labels) => Labels) {}

  /** @throws PromqlError `execution` on the second series with the same labels */
  apply(labels: readonly Labels[]): Labels[] {
    return labels.map((one) => {
      const known = this.changed.get(one);
      if (known !== undefined) return known;
      const changed = this.change(one);
      const owner = labelsKey(one);
      const key = labelsKey(changed);
      if ((this.owners.get(key) ?? owner) !== owner) throw duplicateLabelset();
      this.owners.set(key, owner);
      this.changed.set(one, changed);
      return changed;
    });
  }
}
