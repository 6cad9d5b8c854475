// Where in their rooms' lists somebody was when they left them. Who was at the end has no place: they come back to the end.

const most = 50; // rooms; beyond it the one left longest ago is forgotten

export interface Place {
  readonly id: string; // of the first message in view
  readonly offset: number; // pixels from the view's upper edge
}

export class Places {
  private readonly places = new Map<string, Place>();

  of(room: string): Place | undefined {
    return this.places.get(room);
  }

  leave(room: string, place: Place | null): void {
    this.places.delete(room);
    if (place) this.places.set(room, place);
    if (this.places.size > most) this.places.delete(this.places.keys().next().value!);
  }

  clear(): void {
    this.places.clear();
  }
}
