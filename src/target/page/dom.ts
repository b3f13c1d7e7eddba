/** The few things that the script of the page does with elements. Text goes in as text, never as markup. */

export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`page.html has no element ${id}`);
  return element;
}

export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = "",
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
}

/** @param name what it is called where only names are heard, such as `Stop cpu` */
export function makeButton(text: string, name: string, click: () => void): HTMLButtonElement {
  const button = make("button", "", text);
  button.type = "button";
  button.ariaLabel = name;
  button.addEventListener("click", click);
  return button;
}

/** Says what changed to those who do not see it. */
export function announce(text: string): void {
  byId("news").textContent = text;
}

interface ShellLine {
  readonly element: HTMLElement;
  refresh(): void;
}

const COPIED_MS = 1500;

/** A line for a shell, with a button that copies it. @param does e.g. `starts cpu` */
export function makeShellLine(does: string, line: () => string): ShellLine {
  const code = make("code");
  const refresh = () => code.replaceChildren(...breakable(line()));
  refresh();
  const button = makeButton("Copy", `Copy the curl line that ${does}`, async () => {
    button.textContent = (await copy(code)) ? "Copied" : "Press Ctrl+C";
    announce(button.textContent);
    setTimeout(() => (button.textContent = "Copy"), COPIED_MS);
  });
  return { element: make("div", "shell-line", code, button), refresh };
}

/** JSON has no spaces to break a line at; after its commas it may break as well. */
function breakable(line: string): (Node | string)[] {
  return line.split(/(?<=,)/).flatMap((part) => [part, make("wbr")]);
}

/** @returns false when the text is selected, so that it can be copied by hand */
async function copy(element: HTMLElement): Promise<boolean> {
  // There is no clipboard for a page that came over plain http from another machine.
  if (window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(element.textContent);
      return true;
    } catch {
      // If this is not permitted, the older way may be.
    }
  }
  getSelection()?.selectAllChildren(element);
  return document.execCommand("copy");
}
