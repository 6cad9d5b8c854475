/** Remembers a function's last results, by its one argument. */
export function memo<T>(f: (key: string) => T, most: number): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    let value = known.get(key);
    if (value === undefined) value = f(key);
    known.delete(key); // to the end of the line
    known.set(key, value);
    if (known.size > most) known.delete(known.keys().next().value!);
    return value;
  };
}
