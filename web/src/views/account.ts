import type { Chat } from "../chat.ts";
import { h } from "../dom.ts";
import { Form, type Field } from "./form.ts";
import { logo } from "./logo.ts";

const username: Field = { name: "username", label: "Username", autocomplete: "username", required: true };

/** The page of those who are not signed in. */
export function signInPage(chat: Chat): HTMLElement {
  const form = new Form(
    [username, { name: "password", label: "Password", type: "password", autocomplete: "current-password", required: true }],
    "Sign in",
    (v) => chat.login(v["username"]!.trim(), v["password"]!),
  );
  return page("Sign in", form, "New here?", "#/register", "Make an account");
}

export function registerPage(chat: Chat, invite: string): HTMLElement {
  const fields: Field[] = [
    { ...username, hint: "Small letters, digits, - _ and ." },
    { name: "display_name", label: "Name shown to others (optional)", autocomplete: "name" },
    { name: "password", label: "Password", type: "password", autocomplete: "new-password", required: true },
  ];
  const form = new Form(fields, "Make my account", async (v) => {
    const name = v["display_name"]!.trim();
    await chat.register({
      username: v["username"]!.trim(),
      password: v["password"]!,
      ...(name ? { display_name: name } : {}),
      ...(invite ? { invite } : {}),
    });
    location.hash = "#/";
  });
  const intro = invite ? "You have been invited. Choose a name and a password, and you are in." : "";
  return page("Make an account", form, "Have one already?", "#/", "Sign in", intro);
}

function page(title: string, form: Form, question: string, href: string, link: string, intro = ""): HTMLElement {
  queueMicrotask(() => form.focus());
  return h(
    "main",
    { class: "account" },
    h("div", { class: "card" },
      h("div", { class: "brand" }, logo(), h("span", {}, "klatch")),
      h("h1", {}, title),
      intro ? h("p", { class: "intro" }, intro) : null,
      form.element,
      h("p", { class: "other" }, question, " ", h("a", { href }, link)),
    ),
  );
}
