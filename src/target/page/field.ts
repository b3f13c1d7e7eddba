/** An input of the page with its label, its unit, and beside it what is wrong with its value. */

import type { KindCard } from "../page.ts";
import { make } from "./dom.ts";

type ParameterValue = KindCard["example"][string];

export interface Field {
  readonly name: string;
  readonly element: HTMLElement;
  /** Nothing when it is left empty: then the API's own default holds. */
  value(): ParameterValue | undefined;
  /** Says what is wrong, and moves the focus there. */
  complain(message: string): void;
  /** Complains if what was typed is not a number. */
  isReadable(): boolean;
}

/** Units of parameters that have the same one in every kind. */
const UNITS: Readonly<Record<string, string>> = {
  ...{ duration: "s", delay: "s", min: "s", max: "s", p50: "s", p90: "s", p99: "s" },
  ...{ load: "%", share: "0–1" },
};

/** An input of the type of the value that it starts with. */
export function createField(kind: string, name: string, example: ParameterValue): Field {
  const input = inputFor(example);
  input.id = `${kind}-${name}`;
  input.name = name;
  input.autocomplete = "off";
  input.spellcheck = false;
  const error = make("span", "error");
  error.id = `${input.id}-error`;
  error.role = "alert";
  input.setAttribute("aria-describedby", error.id);
  const tell = (message: string) => {
    error.textContent = message;
    input.ariaInvalid = String(message !== "");
  };
  input.addEventListener("input", () => tell(""));
  const complain = (message: string) => {
    tell(message);
    input.focus();
  };
  const isWide = typeof example === "string" ? example.length > 12 : Array.isArray(example);
  const label = make("label", "", name, " ", make("small", "", UNITS[name] ?? ""));
  label.htmlFor = input.id;
  return {
    name,
    element: make("div", isWide ? "field wide" : "field", label, input, error),
    value: () => valueOf(input, example),
    complain,
    isReadable() {
      if (input.validity.badInput) complain("this is not a number");
      return !input.validity.badInput;
    },
  };
}

/** May be left empty, for a number that the target draws. */
export function createSeedField(kind: string): Field {
  const field = createField(kind, "seed", 0);
  const input = field.element.querySelector("input");
  input?.removeAttribute("value");
  input?.setAttribute("placeholder", "any");
  return field;
}

function inputFor(example: ParameterValue): HTMLInputElement {
  const input = make("input");
  if (typeof example === "boolean") {
    input.type = "checkbox";
    input.defaultChecked = example;
    return input;
  }
  input.type = typeof example === "number" ? "number" : "text";
  if (typeof example === "number") input.step = "any";
  input.defaultValue = typeof example === "object" ? example.join(", ") : String(example);
  return input;
}

function valueOf(input: HTMLInputElement, example: ParameterValue): ParameterValue | undefined {
  if (typeof example === "boolean") return input.checked;
  if (input.value.trim() === "") return undefined;
  if (typeof example === "number") return input.valueAsNumber;
  if (typeof example === "string") return input.value;
  return input.value.split(",").flatMap((item) => item.trim() || []);
}
