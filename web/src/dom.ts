// Making elements. Text always becomes text nodes; there is no way here to pass markup.

export type Child = Node | string | null | undefined | false;

type Props<E> = { class?: string; aria?: Record<string, string> } & {
  [K in keyof E as K extends "style" | "children" ? never : K]?: E[K];
};

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props<HTMLElementTagNameMap[K]> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  const { class: name, aria, ...rest } = props;
  if (name) e.className = name;
  for (const [k, v] of Object.entries(aria ?? {})) e.setAttribute(`aria-${k}`, v);
  Object.assign(e, rest);
  e.append(...children.filter((c): c is Node | string => c !== null && c !== undefined && c !== false));
  return e;
}

export function replace(e: Element, ...children: Child[]): void {
  e.replaceChildren(...children.filter((c): c is Node | string => c !== null && c !== undefined && c !== false));
}

const paths = {
  hash: "M5 9h14M5 15h14M10 4 8 20M16 4l-2 16",
  lock: "M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3",
  plus: "M12 5v14M5 12h14",
  search: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM16 16l4 4",
  users: "M9 5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zM3 19.5c0-3 2.7-5 6-5s6 2 6 5M16 5.5a3.5 3.5 0 0 1 0 6.5M17.5 14.8c2.1.6 3.5 2.3 3.5 4.7",
  back: "M15 5l-7 7 7 7",
  send: "M4 12 20 4l-4 16-4-7zM12 13l8-9",
  smile: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM8.5 14.5c1.8 2.3 5.2 2.3 7 0M9 9.5v.5M15 9.5v.5",
  reply: "M10 6 4 12l6 6M4 12h9c4 0 6.5 2 7 6",
  pencil: "M4 20l1-4L16.5 4.5l3 3L8 19zM14 7l3 3",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13M10.5 11v5.5M13.5 11v5.5",
  close: "M6 6l12 12M18 6 6 18",
  leave: "M14 4h5v16h-5M4 12h10M8 8l-4 4 4 4",
  down: "M12 5v14M6 13l6 6 6-6",
} as const;

export type IconName = keyof typeof paths;

const svg = "http://www.w3.org/2000/svg";

export function icon(name: IconName): SVGElement {
  const e = document.createElementNS(svg, "svg");
  e.setAttribute("viewBox", "0 0 24 24");
  e.setAttribute("class", "icon");
  e.setAttribute("aria-hidden", "true");
  const p = document.createElementNS(svg, "path");
  p.setAttribute("d", paths[name]);
  e.append(p);
  return e;
}

/** A button that shows an icon only, and says what it does. */
export function iconButton(name: IconName, label: string, onclick: (e: MouseEvent) => void): HTMLButtonElement {
  return h("button", { type: "button", class: "icon-button", title: label, aria: { label }, onclick }, icon(name));
}

const hues = 8;

/** The initials of a name on a colour of its own. */
export function avatar(id: string, name: string): HTMLElement {
  let n = 0;
  for (const c of id) n = (n * 31 + c.charCodeAt(0)) % 9973;
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const letters = words.slice(0, 2).map((w) => [...w][0] ?? "");
  return h("span", { class: `avatar hue-${n % hues}`, aria: { hidden: "true" } }, letters.join("").toUpperCase() || "·");
}
