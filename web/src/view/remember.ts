// Small things that this browser remembers by itself; where it may not, they last as long as the page.

const prefix = "klatch.";

export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(prefix + key);
  } catch {
    return null; // the browser keeps nothing here
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(prefix + key, value);
  } catch {
    // It is forgotten with the page.
  }
}
