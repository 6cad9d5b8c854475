// What the tabs of one account tell each other. Each has a WebSocket of its own: what the server tells, it tells all.

export type Told =
  | { kind: "out" }
  | { kind: "draft"; room: string; text: string }
  | { kind: "read"; room: string; id: string }
  | { kind: "discarded"; nonce: string };

export class Tabs {
  private readonly channel: BroadcastChannel | null;

  constructor(user: string, hear: (t: Told) => void) {
    this.channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(`klatch ${user}`);
    if (this.channel) this.channel.onmessage = (e: MessageEvent<Told>) => hear(e.data);
  }

  tell(t: Told): void {
    this.channel?.postMessage(t);
  }

  close(): void {
    this.channel?.close();
  }
}
