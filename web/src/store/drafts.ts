// What was begun to be written, by room.

const most = 200; // rooms; beyond it the oldest draft goes

export class Drafts {
  private readonly texts = new Map<string, string>();

  get(room: string): string {
    return this.texts.get(room) ?? "";
  }

  set(room: string, text: string): void {
    this.texts.delete(room);
    if (text) this.texts.set(room, text);
    if (this.texts.size > most) this.texts.delete(this.texts.keys().next().value!);
  }

  clear(): void {
    this.texts.clear();
  }
}
