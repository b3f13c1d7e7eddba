/** A template, read: what its actions do. */

export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "print"; readonly pipeline: Pipeline }
  | Branch
  | { readonly kind: "template"; readonly name: string; readonly pipeline: Pipeline | undefined }
  | { readonly kind: "break" | "continue" };

export interface Branch {
  readonly kind: "if" | "with" | "range";
  readonly pipeline: Pipeline;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
}

export interface Pipeline {
  /** Variables that it sets: one, or two of a `range`. */
  readonly variables: readonly string[];
  /** They are new here, and not set anew. */
  readonly declares: boolean;
  readonly commands: readonly Command[];
}

/** A function with its arguments, or one operand alone. */
export interface Command {
  readonly operands: readonly Operand[];
}

export type Operand =
  | { readonly kind: "int" | "float"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "nil" }
  | { readonly kind: "dot" }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "pipeline"; readonly pipeline: Pipeline }
  | { readonly kind: "fields"; readonly of: Operand; readonly names: readonly string[] };

export interface Template {
  readonly body: readonly Node[];
  /** Of `define` and `block`, by name. */
  readonly defined: ReadonlyMap<string, readonly Node[]>;
}
