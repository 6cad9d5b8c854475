const svg = "http://www.w3.org/2000/svg";

/** A cup that is a speech bubble; the same as src/icon.svg. */
export function logo(): SVGElement {
  const e = document.createElementNS(svg, "svg");
  e.setAttribute("viewBox", "0 0 32 32");
  e.setAttribute("class", "logo");
  e.setAttribute("aria-hidden", "true");
  const shapes: [string, string][] = [
    ["cup", "M5 9h18v2h2.5a4.5 4.5 0 0 1 0 9H22.2A7 7 0 0 1 16 24h-3l-5 4.5V23.4A7 7 0 0 1 5 17.5zM23 13.5v4h2.5a2 2 0 0 0 0-4z"],
    ["steam", "M10 3.5v2.5M14 2.5v3.5M18 3.5v2.5"],
  ];
  for (const [name, d] of shapes) {
    const p = document.createElementNS(svg, "path");
    p.setAttribute("class", name);
    p.setAttribute("d", d);
    e.append(p);
  }
  return e;
}
