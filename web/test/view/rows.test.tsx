// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Rows, type RowsProps } from "../../src/view/rows.tsx";

const rowHeight = 20;
const viewHeight = 400;
let root: HTMLElement;
let view: HTMLElement;

/** Lays out as the style does: nothing here does it by itself. */
function layOut(this: HTMLElement): DOMRect {
  if ("scroller" in this.dataset) return new DOMRect(0, 0, 200, viewHeight);
  const rows = Number(this.style.getPropertyValue("--rows"));
  return new DOMRect(0, -(this.parentElement?.scrollTop ?? 0), 200, rows * rowHeight);
}

beforeEach(() => {
  vi.stubGlobal("ResizeObserver", class { observe() {} disconnect() {} });
  vi.spyOn(HTMLElement.prototype, "getBoundingClientRect").mockImplementation(layOut);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(viewHeight);
  root = document.createElement("div");
  document.body.append(root);
});

afterEach(() => {
  render(null, root);
  root.remove();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const names = (n: number, from = 0): string[] => Array.from({ length: n }, (_, i) => `row ${i + from}`);

async function show(props: Partial<RowsProps> & { keys: readonly string[] }): Promise<void> {
  await act(() =>
    render(
      <div data-scroller>
        <Rows row={(key) => <button type="button">{key}</button>} {...props} />
      </div>,
      root,
    ),
  );
  if (view === root.firstElementChild) return;
  view = root.firstElementChild as HTMLElement;
  await scroll(0);
}

async function scroll(top: number): Promise<void> {
  await act(() => {
    view.scrollTop = top;
    view.dispatchEvent(new Event("scroll"));
  });
}

const drawn = (): HTMLElement[] => [...root.querySelectorAll("li")];
const texts = (): string[] => drawn().map((r) => r.textContent ?? "");
const topOf = (row: string): number => Number(drawn().find((r) => r.textContent === row)!.style.getPropertyValue("--at")) * rowHeight - view.scrollTop;

async function press(key: string): Promise<void> {
  await act(() => void document.activeElement!.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })));
}

test("few of many rows stand there, in order, wherever one scrolls", async () => {
  await show({ keys: names(5000) });
  for (const top of [0, 130, 4000, 99_000, 100_000 - viewHeight, 2000]) {
    await scroll(top);
    expect(drawn().length).toBeLessThan(100);
    for (let y = top; y < top + viewHeight; y += rowHeight) expect(texts()).toContain(`row ${Math.floor(y / rowHeight)}`);
    const places = drawn().map((r) => Number(r.getAttribute("aria-posinset")));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(drawn()[0]!.textContent).toBe(`row ${places[0]! - 1}`);
    expect(drawn()[0]!.getAttribute("aria-setsize")).toBe("5000");
  }
});

test("a list that has not been told whole says so", async () => {
  await show({ keys: names(50), whole: false });
  expect(drawn()[0]!.getAttribute("aria-setsize")).toBe("-1");
});

test("the focus stays on a row that is far out of view, and goes on from there", async () => {
  await show({ keys: names(1000) });
  drawn()[3]!.querySelector("button")!.focus();
  await scroll(10_000);
  expect(document.activeElement?.textContent).toBe("row 3");
  expect(drawn().length).toBeLessThan(100);
  await press("ArrowDown");
  expect(document.activeElement?.textContent).toBe("row 4");
  await scroll(15_000);
  expect(texts()).not.toContain("row 3");
});

test("rows that come above do not move what is looked at, and none is moved at the top", async () => {
  await show({ keys: names(1000) });
  await scroll(2005);
  expect(topOf("row 101")).toBe(15);
  await show({ keys: [...names(7, 5000), ...names(1000)] });
  expect(topOf("row 101")).toBe(15);
  await show({ keys: names(900, 50) });
  expect(topOf("row 101")).toBe(15);
  await scroll(0);
  await show({ keys: ["first", ...names(900, 50)] });
  expect(view.scrollTop).toBe(0);
});

test("the current row comes into view when it becomes another, and not again", async () => {
  await show({ keys: names(1000) });
  await show({ keys: names(1000), current: "row 700" });
  expect(topOf("row 700")).toBeGreaterThanOrEqual(0);
  expect(topOf("row 700")).toBeLessThanOrEqual(viewHeight - rowHeight);
  await scroll(0);
  await show({ keys: names(1001), current: "row 700" });
  expect(view.scrollTop).toBe(0);
  await show({ keys: names(1001), current: "row 3" });
  expect(view.scrollTop).toBe(0); // it was in view
});

test("what comes next is asked for near the end only", async () => {
  const nearEnd = vi.fn();
  await show({ keys: names(200), nearEnd });
  await scroll(200);
  expect(nearEnd).not.toHaveBeenCalled();
  await scroll(200 * rowHeight - viewHeight - 300);
  expect(nearEnd).toHaveBeenCalled();
});
