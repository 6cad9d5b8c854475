import { h } from "../dom.ts";
import { sentence } from "./form.ts";

const shownFor = 7000;

/** What went wrong, said at the foot of the page for a while. */
export class Toasts {
  readonly element = h("div", { class: "toasts" });

  constructor() {
    this.element.setAttribute("role", "alert");
  }

  show(message: string): void {
    const toast = h("p", { class: "toast" }, sentence(message));
    this.element.append(toast);
    setTimeout(() => toast.remove(), shownFor);
    while (this.element.childElementCount > 3) this.element.firstElementChild?.remove();
  }
}
