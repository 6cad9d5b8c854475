// A way to a day of a room's past: a chunk of its own.

import { api } from "../wire/api.ts";
import { firstIdAt } from "../text/ulid.ts";
import { FormDialog } from "../view/dialog.tsx";
import { words } from "../words/words.ts";

export function JumpToDate({ room, goTo }: { room: string; goTo: (id: string) => void }) {
  const today = localDate(new Date());
  const fields = [{ name: "date", label: words.date, type: "date" as const, value: today, max: today, required: true }];
  const go = async (v: Record<string, string>): Promise<void> => {
    const id = await firstOn(room, new Date(`${v["date"]}T00:00`).getTime());
    if (!id) throw new Error(words.nothingThen);
    requestAnimationFrame(() => goTo(id)); // once the dialog has given the focus back
  };
  return <FormDialog title={words.jumpToDate} fields={fields} submit={words.jump} then={go} />;
}

/** The first message from a time on; before all others' end the last one there is. */
async function firstOn(room: string, ms: number): Promise<string | undefined> {
  const from = firstIdAt(ms);
  const { items } = await api.page(room, { kind: "around", id: from });
  return (items.find((m) => m.id >= from) ?? items.at(-1))?.id;
}

/** As date inputs want it, here. */
function localDate(d: Date): string {
  return [d.getFullYear(), d.getMonth() + 1, d.getDate()].map((n) => String(n).padStart(2, "0")).join("-");
}
