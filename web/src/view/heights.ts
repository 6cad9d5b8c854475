// How high rows are: as measured, or as high as the measured ones are on average.

const firstGuess = 32;
const most = 4000; // keys; beyond it the oldest is forgotten, and measured again when it is shown

export class Heights {
  private readonly known = new Map<string, number>();
  private sum = 0;

  set(key: string, height: number): boolean {
    if (height <= 0) return false; // not laid out
    const old = this.known.get(key);
    if (old === height) return false;
    this.sum += height - (old ?? 0);
    this.known.set(key, height);
    if (this.known.size > most) this.forget(this.known.keys().next().value!);
    return true;
  }

  private forget(key: string): void {
    this.sum -= this.known.get(key) ?? 0;
    this.known.delete(key);
  }

  get(key: string): number {
    return this.known.get(key) ?? this.guess;
  }

  private get guess(): number {
    return this.known.size > 0 ? this.sum / this.known.size : firstGuess;
  }

  /** Where each row begins, and after the last one the whole height. */
  tops(keys: readonly string[]): number[] {
    const tops = [0];
    const guess = this.guess;
    let at = 0;
    for (const key of keys) {
      at += this.known.get(key) ?? guess;
      tops.push(at);
    }
    return tops;
  }
}
