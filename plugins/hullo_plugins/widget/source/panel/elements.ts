/** Elements, made and kept without a word of HTML: a page may forbid that. */

type Inside = Node | string;

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  name = "",
  ...inside: Inside[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...inside);
  return element;
}

export function makeButton(name: string, pressed: () => void, ...inside: Inside[]): HTMLButtonElement {
  const button = make("button", name, ...inside);
  button.type = "button";
  button.onclick = pressed;
  return button;
}

/** Writes only what differs: a screen reader says again what is written again. */
export function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** An attribute that is there, or is not. */
export function mark(element: HTMLElement, name: string, value: string | boolean): void {
  if (value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "true" : value);
}

/** Makes these the children, in this order, and touches none that is where it belongs. */
export function arrange(parent: HTMLElement, wanted: readonly HTMLElement[]): void {
  const staying = new Set<ChildNode>(wanted);
  for (const child of [...parent.childNodes]) if (!staying.has(child)) child.remove();
  let next = parent.firstChild;
  for (const element of wanted) {
    if (element === next) next = next.nextSibling;
    else parent.insertBefore(element, next);
  }
}
