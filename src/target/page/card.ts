/** The card of one kind of fault: its parameters, what starts it here, and from a shell. */

import type { FaultView } from "../fault.ts";
import type { KindCard } from "../page.ts";
import { curlToStart, drawsLots, type Refusal } from "./api.ts";
import { make, makeButton, makeShellLine } from "./dom.ts";
import { createField, createSeedField, type Field } from "./field.ts";

interface Card {
  readonly kind: string;
  readonly element: HTMLElement;
  showActive(faults: readonly FaultView[]): void;
}

/** What the buttons of a card do. */
interface CardActions {
  /** @returns why it did not start, unless it is said elsewhere already */
  start(body: object): Promise<Refusal | undefined>;
  stop(ids: readonly string[]): Promise<void>;
}

export function createCard(kindCard: KindCard, actions: CardActions): Card {
  const { kind, summary } = kindCard;
  const fields = fieldsOf(kindCard);
  const body = () => ({
    kind,
    ...Object.fromEntries(fields.map(({ name, value }) => [name, value()])),
  });
  const shellLine = makeShellLine(`starts ${kind}`, () => curlToStart(body()));
  const error = make("p", "error");
  error.role = "alert";
  const startButton = make("button", "primary", "Start");
  startButton.ariaLabel = `Start ${kind}`;
  let active: readonly FaultView[] = [];
  const stopButton = makeButton("Stop", `Stop every ${kind}`, () =>
    actions.stop(active.map(({ id }) => id)),
  );
  stopButton.hidden = true;

  const element = make(
    "form",
    "card",
    make("div", "line", make("h3", "kind", kind), stopButton, startButton),
    make("p", "summary", summary),
    make("div", "fields", ...fields.map((field) => field.element)),
    error,
    shellLine.element,
  );
  element.noValidate = true;
  element.addEventListener("input", shellLine.refresh);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    // One fault a press, however impatient.
    if (element.ariaBusy === "true" || !fields.every((field) => field.isReadable())) return;
    element.ariaBusy = "true";
    const refusal = await actions.start(body());
    element.ariaBusy = "false";
    const field = fieldAbout(refusal, fields);
    field?.complain(refusal?.message ?? "");
    error.textContent = field === undefined ? (refusal?.message ?? "") : "";
  });

  return {
    kind,
    element,
    showActive(faults) {
      active = faults;
      element.classList.toggle("is-active", faults.length > 0);
      if (faults.length === 0 && document.activeElement === stopButton) startButton.focus();
      stopButton.hidden = faults.length === 0;
    },
  };
}

function fieldsOf({ kind, example }: KindCard): readonly Field[] {
  const fields = Object.entries(example).map(([name, value]) => createField(kind, name, value));
  return drawsLots(Object.keys(example)) ? [...fields, createSeedField(kind)] : fields;
}

/** A refusal may name a part, such as `routes[0]` or `routes.0`. */
function fieldAbout(refusal: Refusal | undefined, fields: readonly Field[]): Field | undefined {
  const named = refusal?.field?.split(/[.[]/)[0];
  return fields.find(({ name }) => name === named);
}
