/** Fetches slices of a result's images and keeps those that were shown last. */

export interface Slice {
  readonly values: Int16Array;
  /** One byte per pixel, 1 inside the pancreas. */
  readonly mask: Uint8Array;
}

/** About 100 MB of a large CT. */
const KEPT = 150;

export class SliceStore {
  readonly #address: string;
  readonly #slices = new Map<string, Promise<Slice>>();

  /** @param address of the images; slices are below it */
  constructor(address: string) {
    this.#address = address;
  }

  get(view: { name: string; width: number; height: number; count: number }, plane: number): Promise<Slice> {
    const key = `${view.name}/${plane}`;
    const known = this.#slices.get(key);
    if (known) {
      this.#slices.delete(key);
      this.#slices.set(key, known);
      return known;
    }
    const coming = fetchSlice(`${this.#address}/${key}`, view.width * view.height);
    this.#slices.set(key, coming);
    coming.catch(() => this.#slices.delete(key));
    for (const oldest of this.#slices.keys()) {
      if (this.#slices.size <= KEPT) break;
      this.#slices.delete(oldest);
    }
    return coming;
  }

  /** Those that a reader who scrolls will want next. */
  fetchAround(view: Parameters<SliceStore['get']>[0], plane: number): void {
    for (const next of [plane + 1, plane - 1, plane + 2, plane - 2]) {
      if (next >= 0 && next < view.count) this.get(view, next).catch(() => undefined);
    }
  }
}

async function fetchSlice(address: string, pixels: number): Promise<Slice> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(await reasonOf(response));
  const bytes = await response.arrayBuffer();
  const values = new Int16Array(bytes, 0, pixels);
  const bits = new Uint8Array(bytes, 2 * pixels);
  const mask = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i++) mask[i] = ((bits[i >> 3] ?? 0) >> (i & 7)) & 1;
  return { values, mask };
}

export async function reasonOf(response: Response): Promise<string> {
  try {
    const { message }: { message?: string } = await response.json();
    return message ?? String(response.status);
  } catch {
    return String(response.status);
  }
}
