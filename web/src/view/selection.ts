// Which row shows what one can do with it. Only the rows that gain or lose it are drawn anew.

import { signal, type Signal } from "@preact/signals";

export class Selection {
  private readonly flags = new Map<string, Signal<boolean>>();
  private current = "";

  has(key: string): boolean {
    let flag = this.flags.get(key);
    if (!flag) {
      flag = signal(key === this.current);
      this.flags.set(key, flag);
    }
    return flag.value;
  }

  /** A row is no more in the document. */
  forget(key: string): void {
    this.flags.delete(key);
  }

  set(key: string): void {
    if (key === this.current) return;
    const old = this.flags.get(this.current);
    this.current = key;
    if (old) old.value = false;
    const now = this.flags.get(key);
    if (now) now.value = true;
  }
}
