import { Chat, reasonOf } from "./chat.ts";
import { h } from "./dom.ts";
import { Store } from "./store.ts";
import { App } from "./views/app.ts";
import { Toasts } from "./views/toast.ts";

const toasts = new Toasts();
const root = h("div", { id: "app" });
document.body.replaceChildren(root, toasts.element);

const ws = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/ws`;
const chat = new Chat(new Store(), ws, (message) => toasts.show(message));

async function start(): Promise<void> {
  try {
    await chat.restore();
  } catch (e) {
    toasts.show(reasonOf(e));
  }
  new App(root, chat);
}

void start();
