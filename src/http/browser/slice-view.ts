import { outline } from '../../pictures/outline.ts';
import type { ViewDescription } from '../images/slices.ts';
import { TEXTS } from '../pages/texts.ts';
import type { Slice, SliceStore } from './slice-store.ts';

/** One plane of the images on a canvas, with its controls. */

/** As in key images and the SEG's recommended colour. */
const OUTLINE_COLOR = '#ffb000';
const LINE_COLOR = 'rgba(80, 180, 255, 0.8)';
const LETTER_COLOR = '#e8e8e8';
/** Planes that page up and page down go. */
const PAGE = 10;

export interface Shown {
  /** Values from low to high are drawn from black to white, in the units of the images. */
  low: number;
  high: number;
  outline: boolean;
  lines: boolean;
  /** Where the planes cross, as indices along the grid's axes. */
  readonly planes: [number, number, number];
}

export interface SliceViewOptions {
  readonly view: ViewDescription;
  readonly scale: { readonly slope: number; readonly intercept: number };
  readonly store: SliceStore;
  readonly shown: Shown;
  /** Told when a reader has moved planes or window: every view has to be drawn again. */
  readonly changed: () => void;
  readonly failed: (reason: string) => void;
}

export class SliceView {
  readonly element: HTMLElement;
  readonly #options: SliceViewOptions;
  readonly #canvas: HTMLCanvasElement;
  readonly #slider: HTMLInputElement;
  readonly #number: HTMLOutputElement;
  readonly #pixels: OffscreenCanvas;
  #drawn = -1;

  constructor(options: SliceViewOptions) {
    this.#options = options;
    const { view } = options;
    const name = TEXTS.images.views[view.name];
    this.element = document.createElement('figure');
    this.element.className = 'slice';
    this.element.dataset['view'] = view.name;
    this.#canvas = document.createElement('canvas');
    this.#canvas.setAttribute('role', 'img');
    this.#canvas.setAttribute('aria-label', name);
    this.#slider = document.createElement('input');
    Object.assign(this.#slider, { type: 'range', min: '1', max: String(view.count), step: '1' });
    this.#slider.setAttribute('aria-label', TEXTS.images.sliceLabel(name));
    this.#number = document.createElement('output');
    const caption = document.createElement('figcaption');
    const title = document.createElement('strong');
    title.textContent = name;
    caption.append(title, this.#number);
    if (view.organ) {
      const organ = document.createElement('small');
      organ.textContent = TEXTS.images.inside(view.organ.first + 1, view.organ.last + 1);
      caption.append(organ);
    }
    this.element.append(this.#canvas, this.#slider, caption);
    this.#pixels = new OffscreenCanvas(view.width, view.height);
    this.#listen();
  }

  get plane(): number {
    return this.#options.shown.planes[this.#options.view.planeAxis] ?? 0;
  }

  moveTo(plane: number): void {
    const { view, shown, changed } = this.#options;
    shown.planes[view.planeAxis] = Math.min(view.count - 1, Math.max(0, plane));
    changed();
  }

  /** Draws what is shown now; slices that come late, after another was asked for, are not drawn. */
  async draw(): Promise<void> {
    const { view, store, failed } = this.#options;
    const { plane } = this;
    this.#slider.value = String(plane + 1);
    this.#number.value = TEXTS.images.slice(plane + 1, view.count);
    this.#slider.setAttribute('aria-valuetext', this.#number.value);
    try {
      const slice = await store.get(view, plane);
      if (plane !== this.plane) return;
      this.#paint(slice);
      this.#drawn = plane;
      this.element.dataset['plane'] = String(plane);
      store.fetchAround(view, plane);
    } catch (error) {
      failed(error instanceof Error ? error.message : String(error));
    }
  }

  get isDrawn(): boolean {
    return this.#drawn === this.plane;
  }

  #paint({ values, mask }: Slice): void {
    const { view, shown, scale } = this.#options;
    const { width, height, mmPerColumn, mmPerRow, letters } = view;
    const image = new ImageData(width, height);
    const grey = 255 / (shown.high - shown.low);
    for (let i = 0; i < values.length; i++) {
      const value = ((values[i] ?? 0) * scale.slope + scale.intercept - shown.low) * grey;
      image.data.fill(value, 4 * i, 4 * i + 3);
      image.data[4 * i + 3] = 255;
    }
    this.#pixels.getContext('2d')?.putImageData(image, 0, 0);

    // The canvas has the proportions of the patient, and as many pixels as the screen shows of it.
    const [mmWide, mmHigh] = [width * mmPerColumn, height * mmPerRow];
    const box = this.#canvas.getBoundingClientRect();
    const dots = Math.max(1, Math.round((box.width || 400) * devicePixelRatio));
    this.#canvas.width = dots;
    this.#canvas.height = Math.max(1, Math.round((dots * mmHigh) / mmWide));
    const ctx = this.#canvas.getContext('2d');
    if (!ctx) return;
    const [perColumn, perRow] = [this.#canvas.width / width, this.#canvas.height / height];
    ctx.imageSmoothingQuality = 'high';
    ctx.drawImage(this.#pixels, 0, 0, this.#canvas.width, this.#canvas.height);
    if (shown.lines) this.#drawLines(ctx, perColumn, perRow);
    if (shown.outline) {
      ctx.beginPath();
      for (const { from, to } of outline(mask, width, height)) {
        ctx.moveTo(from[0] * perColumn, from[1] * perRow);
        ctx.lineTo(to[0] * perColumn, to[1] * perRow);
      }
      ctx.lineCap = 'round';
      ctx.lineWidth = 2 * devicePixelRatio;
      ctx.strokeStyle = OUTLINE_COLOR;
      ctx.stroke();
    }
    this.#drawLetters(ctx, letters);
    this.element.dataset['organ'] = String(mask.includes(1));
  }

  /** Where the planes of the two other views cross this one. */
  #drawLines(ctx: CanvasRenderingContext2D, perColumn: number, perRow: number): void {
    const [column, row] = this.#crossing();
    ctx.beginPath();
    ctx.moveTo((column + 0.5) * perColumn, 0);
    ctx.lineTo((column + 0.5) * perColumn, this.#canvas.height);
    ctx.moveTo(0, (row + 0.5) * perRow);
    ctx.lineTo(this.#canvas.width, (row + 0.5) * perRow);
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.strokeStyle = LINE_COLOR;
    ctx.stroke();
    ctx.setLineDash([]);
  }

  #crossing(): [column: number, row: number] {
    const { view, shown } = this.#options;
    const column = shown.planes[view.columnAxis] ?? 0;
    const row = shown.planes[view.rowAxis] ?? 0;
    return [
      view.columnReversed ? view.width - 1 - column : column,
      view.rowReversed ? view.height - 1 - row : row,
    ];
  }

  #drawLetters(ctx: CanvasRenderingContext2D, letters: ViewDescription['letters']): void {
    const size = 14 * devicePixelRatio;
    const { width, height } = this.#canvas;
    ctx.font = `bold ${size}px system-ui, sans-serif`;
    ctx.textBaseline = 'middle';
    ctx.textAlign = 'center';
    ctx.lineWidth = size / 5;
    ctx.strokeStyle = '#000';
    ctx.fillStyle = LETTER_COLOR;
    for (const [text, x, y] of [
      [letters.left, size, height / 2],
      [letters.right, width - size, height / 2],
      [letters.top, width / 2, size],
      [letters.bottom, width / 2, height - size],
    ] as const) {
      ctx.strokeText(text, x, y);
      ctx.fillText(text, x, y);
    }
  }

  #listen(): void {
    this.#slider.addEventListener('input', () => this.moveTo(Number(this.#slider.value) - 1));
    this.#canvas.addEventListener(
      'wheel',
      (event) => {
        event.preventDefault();
        if (event.deltaY !== 0) this.moveTo(this.plane + Math.sign(event.deltaY));
      },
      { passive: false },
    );
    this.element.addEventListener('keydown', (event) => this.#onKey(event));
    this.#listenToDrags();
  }

  #onKey(event: KeyboardEvent): void {
    const step = { PageUp: PAGE, PageDown: -PAGE }[event.key];
    if (step === undefined) return; // arrows, home and end are the slider's own
    event.preventDefault();
    this.moveTo(this.plane + step);
  }

  /** A drag sets the window: to the right wider, down brighter. A click moves the other views here. */
  #listenToDrags(): void {
    let from: { x: number; y: number; low: number; high: number; moved: boolean } | undefined;
    const { shown, changed } = this.#options;
    this.#canvas.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      this.#canvas.setPointerCapture(event.pointerId);
      from = { x: event.clientX, y: event.clientY, low: shown.low, high: shown.high, moved: false };
    });
    this.#canvas.addEventListener('pointermove', (event) => {
      if (!from) return;
      const [right, down] = [event.clientX - from.x, event.clientY - from.y];
      if (!from.moved && Math.hypot(right, down) < 4) return;
      from.moved = true;
      const width = from.high - from.low;
      const wider = Math.max(width / 100, width * (1 + right / 200));
      const center = (from.low + from.high) / 2 - (width * down) / 200;
      Object.assign(shown, { low: center - wider / 2, high: center + wider / 2 });
      changed();
    });
    this.#canvas.addEventListener('pointerup', (event) => {
      if (from && !from.moved) this.#goTo(event.offsetX, event.offsetY);
      from = undefined;
    });
    this.#canvas.addEventListener('pointercancel', () => {
      from = undefined;
    });
  }

  #goTo(x: number, y: number): void {
    const { view, shown, changed } = this.#options;
    const box = this.#canvas.getBoundingClientRect();
    const clamp = (at: number, count: number) => Math.min(count - 1, Math.max(0, Math.floor(at)));
    const column = clamp((x / box.width) * view.width, view.width);
    const row = clamp((y / box.height) * view.height, view.height);
    shown.planes[view.columnAxis] = view.columnReversed ? view.width - 1 - column : column;
    shown.planes[view.rowAxis] = view.rowReversed ? view.height - 1 - row : row;
    changed();
  }
}
