import { effect } from "@preact/signals";
import { render } from "preact";
import { Chat } from "./chat/chat.ts";
import "./style/index.css";
import { App } from "./view/app.tsx";
import { notifyOf } from "./view/notifier.ts";
import { followPreferences } from "./view/preferences.ts";
import { followRoute, parseRoute, roomHref } from "./view/route.ts";
import { toast } from "./view/toast.tsx";
import { words } from "./words/words.ts";

document.documentElement.lang = words.lang;
document.documentElement.dir = words.dir;
followPreferences();

const ws = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/ws`;
const chat = new Chat(ws, toast);
chat.said = (m) => notifyOf(chat, m);

// Who opens the page without saying where to comes back to the room that was left.
const asked = parseRoute(location.hash);
const wanted = asked.kind === "room" ? asked.room : "";
void chat.restore(wanted, (room) => {
  if (location.hash) return;
  history.replaceState(null, "", roomHref(room));
  window.dispatchEvent(new HashChangeEvent("hashchange"));
});

// A page that comes back to the front, or to a network, tries at once.
window.addEventListener("online", () => chat.hurry());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") chat.hurry();
  else chat.pause();
});
window.addEventListener("pagehide", () => chat.pause());

followRoute();

// Until it is known who is here, the document's own picture stands there.
const untilKnown = effect(() => {
  if (chat.phase.value === "starting") return;
  queueMicrotask(() => {
    untilKnown();
    const root = document.getElementById("app")!;
    root.replaceChildren();
    render(<App chat={chat} />, root);
  });
});

// What keeps the page for the next start has time until the room shows.
const settleAfter = 1000;
effect(() => {
  if (chat.phase.value !== "in") return;
  setTimeout(() => void settle(), settleAfter);
});

async function settle(): Promise<void> {
  try {
    await chat.settle();
    const { Shell } = await import("./keep/shell.ts");
    await Shell.start(chat.store.newVersion);
  } catch (e) {
    console.info("The page is not kept for the next start:", e);
  }
}
