import { signal, type Signal } from "@preact/signals";

/** Values by key, each a signal: who reads one is told only of that one, also of one that is not here yet. */
export class Keyed<T> {
  private readonly signals = new Map<string, Signal<T | undefined>>();
  private readonly present = new Set<string>();
  private readonly changes = signal(0);

  at(key: string): Signal<T | undefined> {
    let s = this.signals.get(key);
    if (!s) {
      s = signal<T | undefined>(undefined);
      this.signals.set(key, s);
    }
    return s;
  }

  get(key: string): T | undefined {
    return this.at(key).value;
  }

  peek(key: string): T | undefined {
    return this.signals.get(key)?.peek();
  }

  has(key: string): boolean {
    return this.present.has(key);
  }

  set(key: string, value: T): void {
    this.at(key).value = value;
    if (this.present.has(key)) return;
    this.present.add(key);
    this.changes.value++;
  }

  /** Changes a value that is here. */
  update(key: string, change: (t: T) => T): void {
    const old = this.peek(key);
    if (old !== undefined) this.set(key, change(old));
  }

  delete(key: string): void {
    if (!this.present.delete(key)) return;
    this.at(key).value = undefined;
    this.changes.value++;
  }

  clear(): void {
    for (const key of [...this.present]) this.delete(key);
  }

  /** The keys, told of when one comes or goes. */
  get keys(): string[] {
    void this.changes.value;
    return [...this.present];
  }

  peekKeys(): string[] {
    return [...this.present];
  }
}
