// What a User-Agent (RFC 9110, 10.1.5) says to people. Browsers name each other in theirs,
// so the first that fits counts. It is only what a program says of itself.

const programs: readonly (readonly [RegExp, string])[] = [
  [/\bEdgA?\/|\bEdgiOS\//, "Edge"],
  [/\bOPR\/|\bOPT\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\bVivaldi\//, "Vivaldi"],
  [/\bFirefox\/|\bFxiOS\//, "Firefox"],
  [/\b(Headless)?Chrome\/|\bCriOS\//, "Chrome"],
  [/\bVersion\/\S+ .*\bSafari\//, "Safari"],
];

const systems: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMacintosh\b|\bMac OS X\b/, "macOS"],
  [/\bLinux\b|\bX11\b/, "Linux"],
];

export interface Agent {
  program: string; // "" if it is not known
  system: string; // likewise
}

export function agentOf(userAgent: string): Agent {
  const first = (of: typeof programs): string => of.find(([known]) => known.test(userAgent))?.[1] ?? "";
  return { program: first(programs) || product(userAgent), system: first(systems) };
}

/** The first product of what is no browser: curl of curl/8.5.0. */
function product(userAgent: string): string {
  const name = /^[\w.+-]{1,40}/.exec(userAgent)?.[0] ?? "";
  return name === "Mozilla" ? "" : name;
}
