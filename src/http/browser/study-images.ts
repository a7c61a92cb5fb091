import type { ImageDescription } from '../images/slices.ts';
import { TEXTS } from '../pages/texts.ts';
import { reasonOf, SliceStore } from './slice-store.ts';
import { type Shown, SliceView } from './slice-view.ts';

/** Shows a result's images in three planes, with the outline of what was segmented. */

const T = TEXTS.images;

async function show(section: HTMLElement, address: string): Promise<void> {
  const status = document.createElement('p');
  status.setAttribute('role', 'status');
  status.textContent = T.loading;
  section.append(status);
  const failed = (reason: string) => {
    status.textContent = `${T.failed} ${reason}`;
    status.className = 'reason';
  };
  const response = await fetch(address);
  if (!response.ok) {
    failed(await reasonOf(response));
    return;
  }
  const description: ImageDescription = await response.json();
  const shownWell = () => {
    status.textContent = '';
    status.className = '';
  };
  build(section, description, new SliceStore(address), { failed, shownWell });
}

function build(
  section: HTMLElement,
  { views, windows, slope, intercept }: ImageDescription,
  store: SliceStore,
  { failed, shownWell }: { failed: (reason: string) => void; shownWell: () => void },
): void {
  const [first] = windows;
  const planes: [number, number, number] = [0, 0, 0];
  for (const { planeAxis, start } of views) planes[planeAxis] = start;
  const start = [...planes] as const;
  const shown: Shown = { low: first?.low ?? 0, high: first?.high ?? 1, outline: true, lines: false, planes };
  let due = false;
  const changed = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      shownWell();
      controls.update();
      for (const view of slices) void view.draw();
    });
  };
  const slices = views.map(
    (view) => new SliceView({ view, scale: { slope, intercept }, store, shown, changed, failed }),
  );
  const toOrgan = () => {
    for (const [axis, plane] of start.entries()) shown.planes[axis] = plane;
    changed();
  };
  const controls = buildControls(windows, shown, changed, toOrgan, section.dataset['unit'] ?? '');
  const grid = document.createElement('div');
  grid.className = 'slices';
  grid.append(...slices.map(({ element }) => element));
  const hint = document.createElement('p');
  hint.className = 'hint';
  hint.textContent = T.hint;
  section.append(controls.element, grid, hint);
  section.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLSelectElement) return;
    if (event.key === 'o') controls.toggleOutline();
    else if (event.key === 'w') controls.nextWindow();
    else if (event.key === 'p') toOrgan();
  });
  addEventListener('resize', changed);
  changed();
}

function buildControls(
  windows: ImageDescription['windows'],
  shown: Shown,
  changed: () => void,
  toOrgan: () => void,
  unit: string,
): { element: HTMLElement; update(): void; toggleOutline(): void; nextWindow(): void } {
  const element = document.createElement('div');
  element.className = 'controls';
  const select = document.createElement('select');
  for (const [index, { label }] of windows.entries()) select.add(new Option(label, String(index)));
  const choose = () => {
    const chosen = windows[Number(select.value)];
    if (chosen) Object.assign(shown, { low: chosen.low, high: chosen.high });
    changed();
  };
  select.addEventListener('change', choose);
  const outline = checkbox(T.outline, shown.outline, (on) => {
    shown.outline = on;
    changed();
  });
  const lines = checkbox(T.lines, shown.lines, (on) => {
    shown.lines = on;
    changed();
  });
  const organ = document.createElement('button');
  organ.type = 'button';
  organ.textContent = T.organ;
  organ.addEventListener('click', toOrgan);
  const text = document.createElement('output');
  element.append(labelled(T.window, select), text, outline.label, lines.label, organ);
  return {
    element,
    update: () => {
      const number = (value: number) =>
        Math.abs(value) < 10 ? value.toPrecision(2) : String(Math.round(value));
      text.value = T.windowText(number(shown.high - shown.low), number((shown.low + shown.high) / 2)) + unit;
    },
    toggleOutline: () => outline.input.click(),
    nextWindow: () => {
      select.selectedIndex = (select.selectedIndex + 1) % windows.length;
      choose();
    },
  };
}

function labelled(text: string, control: HTMLElement): HTMLLabelElement {
  const label = document.createElement('label');
  label.append(`${text} `, control);
  return label;
}

function checkbox(
  text: string,
  on: boolean,
  changed: (on: boolean) => void,
): { label: HTMLLabelElement; input: HTMLInputElement } {
  const input = document.createElement('input');
  input.type = 'checkbox';
  input.checked = on;
  input.addEventListener('change', () => changed(input.checked));
  const label = document.createElement('label');
  label.append(input, ` ${text}`);
  return { label, input };
}

const section = document.querySelector<HTMLElement>('[data-images]');
if (section?.dataset['images']) void show(section, section.dataset['images']);
