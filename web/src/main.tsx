import { render } from "preact";
import { Chat } from "./chat/chat.ts";
import "./style/index.css";
import { App } from "./view/app.tsx";
import { followRoute } from "./view/route.ts";
import { toast } from "./view/toast.tsx";
import { words } from "./words/en.ts";

document.documentElement.lang = words.lang;
document.documentElement.dir = words.dir;

const ws = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/ws`;
const chat = new Chat(ws, toast);

// A page that comes back to the front, or to a network, tries at once.
window.addEventListener("online", () => chat.hurry());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") chat.hurry();
});

followRoute();
render(<App chat={chat} />, document.getElementById("app")!);
void chat.restore();
