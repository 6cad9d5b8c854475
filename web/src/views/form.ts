import { reasonOf } from "../chat.ts";
import { h } from "../dom.ts";
import { ServerError } from "../types.ts";

export interface Field {
  name: string;
  label: string;
  type?: "text" | "password" | "checkbox";
  hint?: string;
  autocomplete?: AutoFill;
  required?: boolean;
  value?: string;
}

/** A form of labelled fields whose errors stand beside the field they are about. */
export class Form {
  readonly element: HTMLFormElement;
  private readonly inputs = new Map<string, { input: HTMLInputElement; error: HTMLElement }>();
  private readonly error = h("p", { class: "form-error", hidden: true });
  private readonly button: HTMLButtonElement;

  constructor(fields: Field[], submit: string, then: (values: Record<string, string>) => Promise<void>) {
    this.error.setAttribute("role", "alert");
    this.button = h("button", { type: "submit", class: "primary" }, submit);
    this.element = h("form", { noValidate: true }, ...fields.map((f) => this.field(f)), this.error, this.button);
    this.element.addEventListener("submit", (e) => {
      e.preventDefault();
      void this.submit(then);
    });
  }

  focus(): void {
    this.inputs.values().next().value?.input.focus();
  }

  private field(f: Field): HTMLElement {
    const id = `field-${f.name}`;
    const error = h("span", { class: "field-error", id: `${id}-error` });
    const hint = h("span", { class: "hint", id: `${id}-hint` }, f.hint ?? "");
    const input = h("input", { id, name: f.name, type: f.type ?? "text", required: f.required ?? false });
    input.autocomplete = f.autocomplete ?? "off";
    input.autocapitalize = "none";
    input.spellcheck = false;
    input.value = f.value ?? "";
    input.setAttribute("aria-describedby", `${id}-error ${id}-hint`);
    this.inputs.set(f.name, { input, error });
    const label = h("label", { htmlFor: id }, f.label);
    if (f.type === "checkbox") return h("div", { class: "field check" }, input, label, hint, error);
    return h("div", { class: "field" }, label, input, f.hint ? hint : null, error);
  }

  private async submit(then: (values: Record<string, string>) => Promise<void>): Promise<void> {
    if (this.button.disabled) return;
    this.clear();
    const values: Record<string, string> = {};
    for (const [name, { input }] of this.inputs) {
      values[name] = input.type === "checkbox" ? String(input.checked) : input.value;
      if (input.required && !input.value.trim()) return this.wrong(name, "Please fill this in.");
    }
    this.button.disabled = true;
    try {
      await then(values);
    } catch (e) {
      this.failed(e);
    } finally {
      this.button.disabled = false;
    }
  }

  private failed(e: unknown): void {
    const message = sentence(reasonOf(e));
    const field = e instanceof ServerError ? e.fields.find((f) => this.inputs.has(f.field)) : undefined;
    if (field) return this.wrong(field.field, message);
    this.error.textContent = message;
    this.error.hidden = false;
  }

  private wrong(name: string, message: string): void {
    const f = this.inputs.get(name);
    if (!f) return;
    f.error.textContent = message;
    f.input.setAttribute("aria-invalid", "true");
    f.input.focus();
  }

  private clear(): void {
    this.error.hidden = true;
    for (const { input, error } of this.inputs.values()) {
      error.textContent = "";
      input.removeAttribute("aria-invalid");
    }
  }
}

/** The server's words for people start small and end without a stop. */
export function sentence(s: string): string {
  const t = s.charAt(0).toUpperCase() + s.slice(1);
  return /[.!?]$/.test(t) ? t : `${t}.`;
}
