import { signal } from "@preact/signals";
import { sentence } from "../chat/reason.ts";

const shownFor = 7000;
const most = 3;

const toasts = signal<readonly { id: number; text: string }[]>([]);
let last = 0;

/** Says what went wrong, at the foot of the page for a while. */
export function toast(message: string): void {
  const id = ++last;
  toasts.value = [...toasts.value, { id, text: sentence(message) }].slice(-most);
  setTimeout(() => (toasts.value = toasts.value.filter((t) => t.id !== id)), shownFor);
}

export function Toasts() {
  return (
    <div class="toasts" role="alert" data-testid="toasts">
      {toasts.value.map((t) => (
        <p key={t.id} class="toast" dir="auto">
          {t.text}
        </p>
      ))}
    </div>
  );
}
