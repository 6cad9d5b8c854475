import { h, iconButton, type Child } from "../dom.ts";
import { Form, type Field } from "./form.ts";

export function openDialog(title: string, ...content: Child[]): HTMLDialogElement {
  const dialog = h("dialog", {});
  const close = iconButton("close", "Close", () => dialog.close());
  const heading = h("h2", { id: "dialog-title", tabIndex: -1, autofocus: true }, title);
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.append(h("header", {}, heading, close), ...content.filter((c): c is Node | string => !!c));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (e) => {
    if (e.target === dialog) dialog.close(); // the backdrop
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** A dialog around one form; it closes when the form is done. */
export function openForm(
  title: string,
  fields: Field[],
  submit: string,
  then: (values: Record<string, string>) => Promise<void>,
): void {
  const form = new Form(fields, submit, async (values) => {
    await then(values);
    dialog.close();
  });
  const dialog = openDialog(title, form.element);
  form.focus();
}

export function confirm(title: string, text: string, yes: string, then: () => void): void {
  const button = h("button", { type: "button", class: "danger" }, yes);
  const dialog = openDialog(title, h("p", {}, text), button);
  button.onclick = () => {
    dialog.close();
    then();
  };
  button.focus();
}
