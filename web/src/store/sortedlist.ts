/** Items in order of a text, each under a key of its own. */
export class SortedList<T> {
  private readonly items: T[] = [];
  private readonly orders = new Map<string, string>();

  constructor(
    private readonly keyOf: (t: T) => string,
    private readonly orderOf: (t: T) => string,
  ) {}

  get all(): readonly T[] {
    return this.items;
  }

  get(key: string): T | undefined {
    const order = this.orders.get(key);
    return order === undefined ? undefined : this.items[this.find(order)];
  }

  /** Adds an item, or puts it in place of the one with its key, wherever that stood. */
  add(item: T): void {
    const key = this.keyOf(item);
    const order = this.orderOf(item);
    const old = this.orders.get(key);
    if (old === order) {
      this.items[this.find(order)] = item;
      return;
    }
    this.remove(key);
    this.items.splice(this.find(order), 0, item);
    this.orders.set(key, order);
  }

  /** Changes the item of a key, if there is one, by putting another in its place. */
  update(key: string, change: (t: T) => T): boolean {
    const item = this.get(key);
    if (item === undefined) return false;
    this.add(change(item));
    return true;
  }

  remove(key: string): boolean {
    const order = this.orders.get(key);
    if (order === undefined) return false;
    this.items.splice(this.find(order), 1);
    this.orders.delete(key);
    return true;
  }

  /** The items of an order from one to another, both included. */
  between(from: string, to: string): readonly T[] {
    let end = this.find(to);
    if (end < this.items.length && this.orderOf(this.items[end]!) === to) end++;
    return this.items.slice(this.find(from), end);
  }

  /** The index of the first item that is not before order. */
  find(order: string): number {
    let low = 0;
    let high = this.items.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (this.orderOf(this.items[mid]!) < order) low = mid + 1;
      else high = mid;
    }
    return low;
  }
}
