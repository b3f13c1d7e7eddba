/** What every kind of fault is made of: its parameters, and how an order is made from them. */

import { z } from "zod";
import type { EmitEvent } from "../events.ts";
import { type FaultKind, type FaultOrder, MAX_DURATION_MS, MAX_SEED } from "../fault.ts";
import { parseObject } from "../parameters.ts";
import type { Probes } from "../probes.ts";
import { PATTERN } from "../route-patterns.ts";
import type { Traffic } from "../traffic.ts";
import type { Leak } from "./leak.ts";
import type { HeldMemory } from "./held-memory.ts";

/** What the faults of one target work on. */
export interface FaultEnvironment {
  readonly memory: HeldMemory;
  readonly leak: Leak;
  readonly traffic: Traffic;
  readonly probes: Probes;
  readonly emit: EmitEvent;
  readonly ownProcess: OwnProcess;
  /** See `CpuBurn.workerEntry`. */
  readonly cpuWorkerEntry: string | undefined;
}

/** The process that a crash ends. */
export interface OwnProcess {
  /** Writes what the log still buffers. */
  flushLog(): void;
  exit(code: number): never;
}

type ExampleValue = number | string | boolean | readonly string[];

export interface KindOfFault {
  /** One line for people. */
  readonly summary: string;
  /** Parameters, the duration among them, that work when pasted. */
  readonly example: Readonly<Record<string, ExampleValue>>;
  /** The schema of the whole body of `POST /faults`. */
  schema(): z.ZodObject;
  /** @throws HttpError 422 naming the field */
  order(body: unknown, environment: FaultEnvironment): FaultOrder;
}

const MIN_DURATION_S = 0.1;
/** How long a fault is active by default. */
const DEFAULT_DURATION_S = 60;
const MAX_DURATION_S = MAX_DURATION_MS / 1000;

interface Definition<Shape extends z.ZodRawShape> {
  readonly kind: FaultKind;
  readonly summary: string;
  readonly example: Readonly<Record<string, ExampleValue>>;
  /** The kind's own default and bound of the duration, in s. */
  readonly duration?: { readonly fallback: number; readonly max: number };
  /** Built when it is first needed: schemas are dear, and a target has to start fast. */
  readonly parameters: () => Shape;
  readonly order: (
    parameters: z.output<z.ZodObject<Shape>>,
    environment: FaultEnvironment,
    durationMs: number,
  ) => Omit<FaultOrder, "kind" | "plan" | "durationMs" | "seed"> & {
    /** Parameters that were chosen for the client, e.g. by what the machine has; `duration` in s. */
    readonly chosen?: Readonly<Record<string, ExampleValue>> & { readonly duration?: number };
  };
}

/** A kind of fault whose parameters are checked strictly, unknown ones being an error. */
export function defineKind<Shape extends z.ZodRawShape>(
  definition: Definition<Shape>,
): KindOfFault {
  const { kind, summary, example, parameters } = definition;
  const build = () => {
    const common = commonParameters(definition);
    const own = parameters();
    const body = z.strictObject({ kind: z.literal(kind).describe(`"${kind}"`), ...own, ...common });
    return { own: z.object(own), common: z.object(common), body };
  };
  let built: ReturnType<typeof build> | undefined;
  const schemas = () => (built ??= build());
  return {
    summary,
    example,
    schema: () => schemas().body,
    order(body, environment) {
      const parsed: Readonly<Record<string, unknown>> = parseObject(schemas().body, body);
      const { kind: _, seed: __, ...parameters } = parsed;
      const { duration, seed } = schemas().common.parse(body);
      const durationMs = duration * 1000;
      const own = schemas().own.parse(body);
      const { chosen, ...order } = definition.order(own, environment, durationMs);
      return {
        kind,
        plan: { ...parameters, ...chosen },
        durationMs: chosen?.duration === undefined ? durationMs : chosen.duration * 1000,
        ...(seed === undefined ? {} : { seed }),
        ...order,
      };
    },
  };
}

function commonParameters({ duration }: Pick<Definition<z.ZodRawShape>, "duration">) {
  const { fallback, max } = duration ?? { fallback: DEFAULT_DURATION_S, max: MAX_DURATION_S };
  return {
    duration: within(MIN_DURATION_S, max, "s").default(fallback),
    seed: whole(0, MAX_SEED, "chosen at random without it").optional(),
  };
}

/** A number in a range, both ends included. @param unit e.g. `s` */
export function within(min: number, max: number, unit: string): z.ZodNumber {
  return z.number().min(min).max(max).describe(`a number from ${min} to ${max} ${unit}`);
}

/** A whole number in a range, both ends included. */
export function whole(min: number, max: number, what: string): z.ZodInt {
  return z.int().min(min).max(max).describe(`a whole number from ${min} to ${max} (${what})`);
}

const MAX_PATTERNS = 20;
const MAX_PATTERN_CHARACTERS = 200;

/** Which requests: by default all ordinary traffic. */
export function routes() {
  const form = `a list of 1 to ${MAX_PATTERNS} patterns such as "/api/*"; all ordinary traffic without it`;
  const pattern = z.string().max(MAX_PATTERN_CHARACTERS).regex(PATTERN);
  return z.array(pattern).min(1).max(MAX_PATTERNS).optional().describe(form);
}

/** The share of the matching requests, 0 to 1. */
export function share() {
  return within(0, 1, "of the matching requests").default(1);
}
